"""Packs all that `run.sh` needs on a machine with a GPU that reaches nothing outside, as numbered parts (docs/gpu.md).

    python tests/gpu/pack.py FOLDER [PART_MIB]

Into it go the engine with its Python and packages, Chromium, the loaders of EGL and Vulkan, all their libraries but
the C library's, the bundles of both browser libraries, and the zoo in float32 with its references, so that TensorFlow
is not needed there. FOLDER gets `part.00`, `part.01`, … and nothing else; each is at most PART_MIB (48).
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from harness_targets.browser.browsers import CHROMIUM
from harness_targets.litertjs.bundles import BUNDLE as LITERTJS
from harness_targets.tfjs.bundles import BUNDLE as TFJS

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
SITE = f"python/lib/{PYTHON}/site-packages"
"""The interpreter's own, since workers look nowhere else."""
REPOSITORY = Path(__file__).parents[2]
PREPARING = "--parity-only --variant float32 --target tfjs/chromium-cpu --target litertjs/chromium-wasm"
"""Both formats on what runs every model; with the usual budget, which is part of a reference's address."""
LOADERS = ("libvulkan.so.1", "libEGL.so.1", "libGLESv2.so.2", "libGLdispatch.so.0")
LOADED_LATER = ("libsoftokn3.so", "libfreebl3.so", "libfreeblpriv3.so", "libnssckbi.so")
"""Of NSS, which Chromium opens by name."""
OF_THE_C_LIBRARY = re.compile(r"^(ld-linux.*|lib(c|m|dl|pthread|rt|resolv|util|nsl|anl|BrokenLocale)\.so\..*)$")
METADATA_ALONE = {"uv", "vl-convert-python"}
"""What brings environments, and what makes the dashboard's kit: that travels with the environments, by its version."""
NOT_OF_PYTHON = shutil.ignore_patterns(
    *("site-packages", "test", "tests", "idlelib", "tkinter", "ensurepip", "lib2to3", "config-*", "__pycache__", "*.a")
)


def pack(folder: Path, part_bytes: int) -> list[Path]:
    """The parts. Raises `SystemExit` with a sentence where something is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        root = Path(work) / "gpu"
        (root / "lib").mkdir(parents=True)
        for library in _needed([*_python(root), *_packages(root), *_chromium(root)]):
            shutil.copy2(library, root / "lib" / library.name)
        _sources(root)
        _project(root)
        archive = Path(work) / "archive"
        with archive.open("wb") as out:
            tar = subprocess.Popen(["tar", "-C", work, "-c", "gpu"], stdout=subprocess.PIPE)
            subprocess.run(["xz", "-T0"], stdin=tar.stdout, stdout=out, check=True)
            if tar.wait() != 0:
                sys.exit("tar failed; its own message says why.")
        for old in folder.glob("part.*"):
            old.unlink()
        subprocess.run(["split", "-d", "-b", str(part_bytes), archive, folder / "part."], check=True)
    return sorted(folder.glob("part.*"))


def _python(root: Path) -> list[Path]:
    """The interpreter that the engine runs on, with its standard library; what of it loads other libraries."""
    home = root / "python"
    (home / "bin").mkdir(parents=True)
    program = home / "bin" / PYTHON
    shutil.copy2(Path(sys.base_prefix) / "bin" / PYTHON, program)
    shutil.copytree(Path(sys.base_prefix) / "lib" / PYTHON, home / "lib" / PYTHON, ignore=NOT_OF_PYTHON, symlinks=False)
    return [program, *home.rglob("*.so")]


def _packages(root: Path) -> list[Path]:
    """The engine's own packages, as they are installed here; what of them loads other libraries."""
    wanted, found = ["ml-runtime-harness"], set[str]()
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        found.add(name)
        for requirement in metadata.requires(name) or ():
            if "extra ==" not in requirement:
                needed = re.sub(r"[-_.]+", "-", re.split(r"[\s;<>=!~\[(]", requirement, maxsplit=1)[0]).lower()
                if _installed(needed):
                    wanted.append(needed)
    site = root / SITE
    for name in found:
        for file in metadata.files(name) or ():
            source = Path(str(file.locate()))
            inside = not {"..", "__pycache__", "tests"} & set(file.parts)
            if name in METADATA_ALONE:
                inside = inside and file.parts[0].endswith(".dist-info")
            if inside and source.is_file() and not file.parts[0].startswith("__editable__"):
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, site / file)
    return [path for path in site.rglob("*") if path.suffix == ".so" or path.name == "node"]


def _installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _chromium(root: Path) -> list[Path]:
    """The whole browser's folder, with windows: the one without is never on a GPU."""
    program = CHROMIUM.executable()
    if program is None:
        sys.exit(f"Chromium is not here; install it with `{CHROMIUM.install_line()}`.")
    places = (program.resolve().parent, Path("/usr/lib/chromium"))  # the latter where the command is a script
    folder = next((found for found in places if (found / "icudtl.dat").exists()), None)
    names = [name for name in ("chromium", "chrome") if folder is not None and (folder / name).exists()]
    if folder is None or not names:
        sys.exit(f"{program} is in no folder of Chromium's own; name the program in {CHROMIUM.variable}.")
    kept = root / "chromium"
    others = shutil.ignore_patterns("chromium-headless-shell", "headless_lib*", "*Layer*", "*mock_icd*", "*.TOC")
    shutil.copytree(folder, kept, ignore=others)
    for locale in (kept / "locales").glob("*"):
        if not locale.name.startswith("en-US"):
            locale.unlink()
    (kept / names[0]).rename(kept / "chrome")
    return [kept / "chrome", *kept.glob("*.so*")]


def _sources(root: Path) -> None:
    for folder, package in (("harness", "harness"), ("targets", "harness_targets"), ("models", "harness_models")):
        ignored = shutil.ignore_patterns("__pycache__", "node_modules")
        shutil.copytree(REPOSITORY / folder, root / SITE / package, ignore=ignored, dirs_exist_ok=True)
    shutil.copytree(REPOSITORY / "requirements", root / SITE / "requirements")
    for name in ("run.sh", "table.py"):
        shutil.copy2(Path(__file__).with_name(name), root / name)


def _project(root: Path) -> None:
    """The zoo, converted and with its references by what was packed; the libraries' bundles."""
    project = root / "project"
    project.mkdir()
    kit = "from harness.report.chart_kit import chart_kit; chart_kit()"
    here = {**os.environ, "PYTHONPATH": str(root / SITE), "HARNESS_ENVIRONMENTS": str(root / "environments")}
    subprocess.run([sys.executable, "-P", "-c", kit], cwd=project, env=here, check=True)
    variables = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        **{"HARNESS_GPU": "software", "HARNESS_CHROMIUM": str(root / "chromium" / "chrome")},
        **{"LD_LIBRARY_PATH": str(root / "lib"), "PYTHONDONTWRITEBYTECODE": "1"},
    }
    command = [str(root / "python" / "bin" / PYTHON), "-m", "harness.cli.main", "run", *PREPARING.split()]
    done = subprocess.run(command, cwd=project, env=variables)
    if done.returncode != 0:
        sys.exit("The zoo did not pass here; see above.")
    shutil.rmtree(project / "results")
    shutil.rmtree(project / ".harness" / "measurements")
    for bundle in (TFJS, LITERTJS):
        shutil.copytree(bundle.install(), root / "environments" / bundle.directory().name)


def _needed(programs: list[Path]) -> list[Path]:
    """The libraries that programs load, and the loaders, all but the C library's."""
    shared = {path.name for path in programs}
    names = dict(re.findall(r"^\s*(\S+) \(.*x86-64.*\) => (\S+)", _said("ldconfig", "-p"), re.MULTILINE))
    later = [Path(names[name]) for name in (*LOADERS, *LOADED_LATER) if name in names]
    later += [path for name in LOADED_LATER for path in Path("/usr/lib/x86_64-linux-gnu/nss").glob(name)]
    if missing := [name for name in LOADERS if name not in names]:
        sys.exit(f"{missing[0]} is not here; install libvulkan1, libegl1, libgles2 and libglvnd0.")
    found = {path.name: path for path in later}
    for program in (*programs, *later):
        for name, path in re.findall(r"^\s*(\S+) => (/\S+)", _said("ldd", str(program)), re.MULTILINE):
            if not OF_THE_C_LIBRARY.match(name) and name not in shared:
                found[name] = Path(path).parent / name
    return [path for path in found.values() if path.exists()]


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


if __name__ == "__main__":
    mebibytes = int(sys.argv[2]) if len(sys.argv) > 2 else 48
    for part in pack(Path(sys.argv[1]).resolve(), mebibytes * 2**20):
        print(f"{part}  {part.stat().st_size / 2**20:.1f} MiB")
