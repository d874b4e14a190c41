# Where what all projects of a user share is installed, as harness/paths.py has it. To be sourced.
# shellcheck shell=sh
environments_directory() {
    case ${XDG_CACHE_HOME:-} in
    /*) shared=$XDG_CACHE_HOME/ml-runtime-harness ;;
    *)
        case $(uname -s) in
        Darwin) shared=$HOME/Library/Caches/ml-runtime-harness ;;
        *) shared=$HOME/.cache/ml-runtime-harness ;;
        esac
        ;;
    esac
    printf '%s' "${HARNESS_ENVIRONMENTS:-${HARNESS_HOME:-$shared}/environments}"
}
