#!/bin/sh
# run.sh [RESULTS]: the zoo on this machine's GPU, in Chromium, and the table of it (docs/gpu.md). Nothing is fetched.
#
# HARNESS_GPU is `nvidia` unless it is set: another GPU, or none, is a failure, and no fallback. RESULTS is a folder for
# the table and the run record; it is `results` beside this script unless given. Exit code: of `harness run`.
set -u
here=$(cd "$(dirname "$0")" && pwd)
results=${1:-$here/results}
mkdir -p "$results" && results=$(cd "$results" && pwd) || exit 2

# The loaders ask for the driver's files by name where these are not in the folders that they look into.
pointed() { # VARIABLE FILE FOLDER…
  variable=$1 file=$2
  shift 2
  for folder in "$@"; do
    if [ -f "$folder/$file" ]; then
      export "$variable=$folder/$file"
      return
    fi
  done
}
pointed VK_DRIVER_FILES nvidia_icd.json /usr/share/vulkan/icd.d /etc/vulkan/icd.d /usr/local/nvidia/share/vulkan/icd.d
pointed __EGL_VENDOR_LIBRARY_FILENAMES 10_nvidia.json \
  /usr/share/glvnd/egl_vendor.d /etc/glvnd/egl_vendor.d /usr/local/nvidia/share/glvnd/egl_vendor.d

export HARNESS_GPU="${HARNESS_GPU:-nvidia}" HARNESS_CHROMIUM="$here/chromium/chrome"
export HARNESS_ENVIRONMENTS="$here/environments" HOME="$here/home" PYTHONDONTWRITEBYTECODE=1
mkdir -p "$HOME"
unset PYTHONHOME PYTHONPATH
cd "$here/project" || exit 2

# Python and what it starts see the libraries that travel with them; the commands of this script do not.
python() {
  LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$here"/python/bin/python3.* "$@"
}
python -m harness.cli.main doctor | grep -E 'chromium-(webgl|webgpu) '
python -m harness.cli.main run --variant float32 \
  --target tfjs/chromium-webgl --target tfjs/chromium-webgpu --target litertjs/chromium-webgpu \
  --target tfjs/chromium-wasm --target litertjs/chromium-wasm
code=$?
python "$here/table.py" results > "$results/table.txt"
cat "$results/table.txt"
for record in results/runs/*.json; do [ -f "$record" ] && cp "$record" "$results/"; done
exit $code
