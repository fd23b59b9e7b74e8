# shellcheck shell=bash
# Finds Java and starts the jar with the options of native-config/jvm.

# Where it is installed, or else built.
JAR=$HOME_FOLDER/sluice.jar
[[ -r $JAR ]] || JAR=$HOME_FOLDER/target/sluice.jar
readonly JAR
# Its classes as Java has them in memory, which scripts/build makes.
readonly ARCHIVE=${JAR%.jar}.jsa

# Sets JVM: the java command with its options; ends with a sentence where that cannot be.
find_java() {
    local java version file since
    if [[ -n ${JAVA_HOME-} ]]; then
        java=$JAVA_HOME/bin/java
        [[ -x $java ]] || die "JAVA_HOME is $JAVA_HOME, but $java cannot be run;" \
            "set it to the folder of a Java 17 or later, or to nothing"
    else
        java=$(command -v java) || die "there is no java; Java 17 or later is needed," \
            "on Debian the package openjdk-17-jre-headless"
    fi
    version=$(java_version "$java")
    ((version >= 17)) || die "$java is Java $version; 17 or later is needed:" \
        "set JAVA_HOME to one, or install openjdk-17-jre-headless"
    JVM=("$java" "@$HOME_FOLDER/native-config/jvm/common")
    for file in "$HOME_FOLDER"/native-config/jvm/since-*; do
        since=${file##*-}
        ((version >= since)) && JVM+=("@$file")
    done
    # Read ready from a file, classes need not be taken apart again: a start takes a third less. Java
    # itself looks whether the file is of this Java and these jars, and does without it otherwise.
    [[ ! $ARCHIVE -nt $JAR ]] || JVM+=("-XX:SharedArchiveFile=$ARCHIVE" '-Xlog:cds*=off')
    # Else malloc would keep what compiler threads once took, in pools of their own: 20 MB; and as
    # much again where pieces of it, of 32 KiB each, lie between others.
    export MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=16384
    [[ -r $JAR ]] || build
}

build() {
    [[ -x $HOME_FOLDER/scripts/build ]] || die "$HOME_FOLDER/sluice.jar is missing; install it again"
    "$HOME_FOLDER/scripts/build" >&2
}

# The version as a whole number, from the file beside the program: asking java would take as
# long as a part of the mount.
java_version() {
    local text=
    text=$(sed -n 's/^JAVA_VERSION="\(1\.\)\{0,1\}\([0-9]*\).*/\2/p' \
        "$(dirname -- "$(readlink -f -- "$1")")/../release" 2>/dev/null) || true
    if [[ -z $text ]]; then
        text=$("$1" -version 2>&1 | sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9]*\).*/\2/p')
    fi
    printf '%s\n' "${text:-0}"
}

# Becomes the program, for commands that need no daemon.
run_java() {
    find_java
    LC_ALL=C.UTF-8 exec "${JVM[@]}" -jar "$JAR" "$@"
}
