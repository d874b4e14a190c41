"""The page's templates, style and script. A package, so that an installed wheel carries them."""
