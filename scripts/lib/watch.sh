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
