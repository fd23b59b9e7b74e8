# shellcheck shell=bash
# status, set, message: read and write the mount's control files, without a JVM.

command_status() {
    local file=status dir folder
    case ${1-} in
    --json) file=status.json ;;
    --dm) file=table.dm ;;
    esac
    [[ $file == status ]] || shift
    [[ $# == [12] && $1 != -?* ]] ||
        usage_error "status: it is status [--json|--dm] DIR [DEVICE]"
    dir=$(absolute "$1") || dir=
    need_mount "$dir" "$1"
    folder=$dir/.sluice
    if (($# == 2)); then
        [[ -n $2 && $2 != */* && -d $folder/$2 ]] ||
            die "there is no device $2 on $dir; it has $(devices "$dir")"
        folder+=/$2
    fi
    timeout 10 cat -- "$folder/$file" || die "the status of $folder could not be read" \
        "within 10 s; $SELF umount --force $dir ends a daemon that is stuck"
}

command_set() {
    local word
    (($# >= 2)) || usage_error "set: it is set DIR/DEVICE KEY=VALUE …"
    for word in "${@:2}"; do
        [[ $word == ?*=* ]] || usage_error "set: $word is not of the form KEY=VALUE"
    done
    need_device "$1"
    shift
    control set "$@"
}

command_message() {
    (($# >= 2)) || usage_error "message: it is message DIR/DEVICE WORD …"
    need_device "$1"
    shift
    control message "$@"
}

# Writes words as a line to a control file in one write(2), which can fail with a bare number
# only; the sentence is in the file error.
control() {
    local folder=$DIR/.sluice/$DEVICE sentence='' line='' word
    for word in "${@:2}"; do
        line+="${line:+ }$(quote "$word")"
    done
    [[ -w $folder/$1 ]] || die "only user $MOUNT_UID and root may change $DEVICE on $DIR," \
        "and nobody if it is mounted with -o ro; mount it without, or as that user"
    { printf '%s\n' "$line" >"$folder/$1"; } 2>/dev/null && return
    sentence=$(cat -- "$folder/error" 2>/dev/null) || true
    die "${sentence:-the daemon refused it and left no reason; its log may have one}"
}

# A word as the daemon reads it back: in double quotes where it needs them.
quote() {
    local word=$1
    if [[ -n $word && $word != '#'* && $word != *[[:space:]\"]* ]]; then
        printf '%s' "$word"
        return
    fi
    word=${word//\\/\\\\}
    printf '"%s"' "${word//\"/\\\"}"
}
