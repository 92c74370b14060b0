#!/bin/sh
# Runs hueweave with the arguments of `docker run`.
set -eu

# Whether a flag, a variable or the settings file says which network a new index takes.
names_network() {
    for argument in "$@"; do
        case $argument in
            --backbone | --backbone=* | --weights | --weights=*) return 0 ;;
        esac
    done
    [ -n "${HUEWEAVE_BACKBONE-}${HUEWEAVE_WEIGHTS-}" ] ||
        grep -Eqs '^[[:space:]]*(backbone|weights)[[:space:]]*=' "${HUEWEAVE_CONFIG:-hueweave.toml}"
}

index_folder() {
    folder=${HUEWEAVE_INDEX-}
    while [ $# -gt 0 ]; do
        case $1 in
            --index) folder=${2-} ;;
            --index=*) folder=${1#--index=} ;;
        esac
        shift
    done
    printf '%s\n' "$folder"
}

# A new index takes the network whose weights the image holds; `auto` would first try to download
# another. Not so for an index that exists: it goes on with its own network, and naming a
# different one for it is an error.
case ${1-} in
    build | init)
        if ! names_network "$@" && [ ! -e "$(index_folder "$@")/manifest.json" ]; then
            export HUEWEAVE_BACKBONE="$IMAGE_BACKBONE"
        fi
        ;;
esac

exec hueweave "$@"
