package dev.sluice.cli;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The commands that {@code scripts/sluice} carries out without a JVM. They are defined here with
 * the others, so that man page and completion come from one place; a test compares the script.
 */
final class ScriptCommands {
    private ScriptCommands() {}

    /** A command that is only defined here. */
    private interface ByScript extends Callable<Integer> {
        @Override
        default Integer call() {
            System.err.println("sluice: this command needs no Java; run it with scripts/sluice");
            return 2;
        }
    }

    /** umount. */
    @Command(name = "umount", description = {"Unmounts DIR, lets the daemon flush every device,"
            + " and waits for its end.", "Refused while a file of the mount is in use."})
    static final class Umount implements ByScript {
        @Option(names = "--force", description = "waits for nobody: requests end with errors, what"
                + " was not flushed is lost; also clears away what a dead daemon left")
        private boolean force;

        @Parameters(paramLabel = "DIR", description = "where it is mounted")
        private java.io.File dir;
    }

    /** status. */
    @Command(name = "status", description = "Shows what a mount or a device is doing.")
    static final class Status implements ByScript {
        @Option(names = "--json", description = "in JSON")
        private boolean json;

        @Option(names = "--dm", description = "as lines of dmsetup")
        private boolean dm;

        @Parameters(index = "0", paramLabel = "DIR", description = "where it is mounted")
        private java.io.File dir;

        @Parameters(index = "1", arity = "0..1", paramLabel = "DEVICE", description = "one of it")
        private String device;
    }

    /** set. */
    @Command(name = "set", description = "Changes settings of a device; all of them, or none.")
    static final class Set implements ByScript {
        @Parameters(index = "0", paramLabel = "DIR/DEVICE", description = "the device's file")
        private java.io.File file;

        @Parameters(index = "1..*", arity = "1..*", paramLabel = "KEY=VALUE", description = "a"
                + " parameter that can change while in use")
        private List<String> changes;
    }

    /** message. */
    @Command(name = "message", description = "Tells a device something of its target's own.")
    static final class Message implements ByScript {
        @Parameters(index = "0", paramLabel = "DIR/DEVICE", description = "the device's file")
        private java.io.File file;

        @Parameters(index = "1..*", arity = "1..*", paramLabel = "WORD", description = "as the"
                + " page of the target says")
        private List<String> words;
    }

    /** attach. */
    @Command(name = "attach", description = "Makes a loop device of a device's file and prints its"
            + " name.")
    static final class Attach implements ByScript {
        @Parameters(index = "0", paramLabel = "DIR/DEVICE", description = "the device's file")
        private java.io.File file;

        @Parameters(index = "1..*", arity = "0..*", paramLabel = "LOSETUP-OPTION",
                description = "given on to losetup(8)")
        private List<String> options;
    }

    /** detach. */
    @Command(name = "detach", description = "Takes a loop device away, and waits until it is gone.")
    static final class Detach implements ByScript {
        @Parameters(paramLabel = "LOOPDEVICE", description = "as attach printed it")
        private java.io.File loop;
    }

    /** help. */
    @Command(name = "help", description = "Lists the commands.")
    static final class Help implements ByScript {}
}
