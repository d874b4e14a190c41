"""Known rewrites of TensorFlow operators that targets lack."""

from __future__ import annotations

REWRITES: dict[str, str] = {
    "MatrixInverse": "solve small systems in closed form (cofactors), iterate Newton–Schulz (X ← X·(2I − A·X)), or"
    " invert once before export where the matrix is constant",
    "MatrixDeterminant": "expand by cofactors for small sizes",
    "Cholesky": "unroll the factorisation for a fixed small size",
    "Lgamma": "Stirling's series: (x − ½)·log x − x + ½·log 2π + 1/(12x), after shifting small x",
    "Digamma": "the asymptotic series log x − 1/(2x) − 1/(12x²), after shifting small x",
    "FFT": "multiply by constant cosine and sine matrices, or use tf.signal.rfft of a power of two",
    "IFFT": "multiply by constant cosine and sine matrices",
    "RFFT": "multiply by constant cosine and sine matrices",
    "TensorListReserve": "fix the batch to one, or build the recurrent layer with unroll=True",
    "While": "unroll the loop (unroll=True) where its length is fixed",
    "Einsum": "write it as transpose, reshape and matmul",
    "Erf": "the tanh form (GELU: approximate=True)",
    "Erfc": "the tanh form (GELU: approximate=True)",
    "SpaceToDepth": "write it as reshape, transpose and reshape",
    "MatrixDiag": "multiply by an identity matrix, or make the constant before export",
    "MatrixDiagV3": "multiply by an identity matrix, or make the constant before export",
    "MaxPool3D": "pool two axes with MaxPool2D after a reshape, and take the third's maximum of slices",
    "AvgPool3D": "pool two axes with AvgPool after a reshape, and take the third's mean",
    "LookupTableFindV2": "look up in the application, before the model, or gather from a constant tensor",
    "Where": "multiply by a mask instead of selecting indices",
    "NonMaxSuppressionV4": "leave the selection to the application, after the model",
    "NonMaxSuppressionV5": "leave the selection to the application, after the model",
    "Unique": "do it in the application, before the model",
    "StringSplit": "tokenise in the application, before the model",
    "HashTableV2": "look up in the application, before the model",
}
