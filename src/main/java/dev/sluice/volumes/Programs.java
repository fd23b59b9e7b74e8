package dev.sluice.volumes;

import dev.sluice.block.BlockException;

/**
 * Programs of the system, each a process of its own. Whatever touches a volume's file or file
 * system is done by one: a thread of ours that waits for ourselves, as when a device is stuck,
 * could not even be killed.
 */
interface Programs {
    /** How a program ended and what it said. */
    record Ended(int code, String said) {
        private static final int MOST_SHOWN = 200;

        boolean well() {
            return code == 0;
        }

        /** The last line it said, for a sentence. */
        String why() {
            String text = said.strip();
            String last = text.substring(text.lastIndexOf('\n') + 1);
            return last.isEmpty() ? "exit code " + code : last;
        }

        /** The beginning of all it said, in one line. */
        String story() {
            String line = said.strip().replaceAll("\\s+", " ");
            return line.length() <= MOST_SHOWN ? line : line.substring(0, MOST_SHOWN) + "…";
        }
    }

    /**
     * Runs a program to its end. One that takes longer is killed, and that is an error; it may be
     * there still if it waits in the kernel.
     */
    Ended run(long limitMillis, String... command) throws BlockException;
}
