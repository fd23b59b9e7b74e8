# shellcheck shell=bash
# top: a program that looks again and again.

command_top() {
    local word='' before='' dir=''
    # The mount is looked at here, with a limit; what is wrong with the words, the program says.
    for word in "$@"; do
        [[ $before == @(-i|-s|--interval|--sort) || $word == -* ]] || dir=$word
        before=$word
    done
    [[ -z $dir ]] || need_watched "$dir"
    run_java top "$@"
}

need_watched() {
    local dir
    dir=$(absolute "$1") || dir=
    need_mount "$dir" "$1"
}

# report: fio on the devices of a mount, or of a table that is mounted for it; beside a mount with a
# device that does nothing. Nothing of it is left behind.
command_report() {
    local word='' before='' target='' write='' help=''
    local -a words=()
    for word in "$@"; do
        case $word in
        --write) write=yes ;;
        -h | --help) help=yes ;;
        esac
        if [[ -z $target && $before != @(-o|--output|--seconds|--preset) && $word != -* ]]; then
            target=$word
            words+=(TARGET)
        else
            words+=("$word")
        fi
        before=$word
    done
    if [[ -z $target || -n $help ]]; then
        run_java report "$@"
    fi
    command -v fio >/dev/null ||
        die "there is no fio to measure with; on Debian it is in the package fio"
    [[ -e $target ]] || die "there is no $target; name a mount or a table"
    find_java
    REPORT=$(mktemp -d /tmp/sluice-report.XXXXXX)
    trap end_report EXIT
    trap 'exit 130' INT TERM HUP
    prepare_report "$target" "$write"
    # The word that was the target is the mount now.
    for word in "${!words[@]}"; do
        [[ ${words[word]} != TARGET ]] || words[word]=$TARGET
    done
    measure "${words[@]}"
}

# Mounts what is needed; sets TARGET to the mount that is measured.
prepare_report() {
    local held
    mkdir "$REPORT/nothing" "$REPORT/fio" "$REPORT/devices"
    if [[ -d $1 ]]; then
        need_watched "$1"
        TARGET=$(absolute "$1")
        held=$(loops_on "$TARGET")
        [[ -z $2 || -z $held ]] ||
            die "$1 is not overwritten: $(name_loops "$held"); measure without --write"
    else
        "$HOME_FOLDER/scripts/sluice" mount -- "$1" "$REPORT/devices"
        TARGET=$REPORT/devices
    fi
    printf 'nothing 64G zero\n' >"$REPORT/table"
    "$HOME_FOLDER/scripts/sluice" mount "$REPORT/table" "$REPORT/nothing"
}

measure() {
    local rc=0
    # In the background, since a trap waits for what is in the foreground.
    LC_ALL=C.UTF-8 "${JVM[@]}" "-Dsluice.report=$REPORT" "-Dsluice.report.fio=$(fio --version)" \
        -jar "$JAR" report "$@" <&0 &
    REPORT_JAVA=$!
    wait "$REPORT_JAVA" || rc=$?
    REPORT_JAVA=
    return "$rc"
}

# shellcheck disable=SC2317,SC2329 # The trap reaches it.
end_report() {
    local rc=$? dir
    set +e
    trap '' INT TERM HUP
    if [[ -n ${REPORT_JAVA-} ]]; then
        kill "$REPORT_JAVA"
        wait "$REPORT_JAVA"
    fi
    for dir in "$REPORT/nothing" "$REPORT/devices"; do
        if find_sluice "$dir"; then
            "$HOME_FOLDER/scripts/sluice" umount "$dir" ||
                "$HOME_FOLDER/scripts/sluice" umount --force "$dir"
        fi
    done
    rm -rf --one-file-system -- "$REPORT"
    exit "$rc"
}
