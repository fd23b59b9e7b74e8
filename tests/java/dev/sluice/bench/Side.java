package dev.sluice.bench;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * One of the things compared: how to start it and what it is.
 *
 * @param cached whether its data file is meant to be in the page cache
 * @param fioDirect whether fio opens the file with O_DIRECT
 */
record Side(String name, String what, Data data, boolean cached, boolean fioDirect,
        Starter starter) {

    /**
     * Where the bytes are that must be there before the first read. A FILE is made for the side; a
     * COMMON one is used by all such sides in turn, as storage is twice as fast at one place as at
     * another. An image is made by its starter where there is none, and filled through the side
     * once. With NONE there are none, or the starter sees to them.
     */
    enum Data { NONE, MEMORY, FILE, COMMON, IMAGE }

    /** Starts the side; data is its data file, which FILE, COMMON and IMAGE have. */
    interface Starter {
        Serving start(Path data) throws IOException, InterruptedException;
    }

    /** The data file's name, below the scratch folder. */
    String dataFile() {
        return (data != Data.COMMON ? name : cached ? "common" : "common-direct") + ".data";
    }

    /** Something started: the file that acts as a disk, and who serves it. */
    record Serving(Path file, List<Long> pids, Gc gc, Stop stop) implements AutoCloseable {
        @Override
        public void close() throws IOException, InterruptedException {
            stop.stop();
        }
    }

    /** How many garbage collections there were so far; negative where there is no garbage. */
    interface Gc {
        Gc NONE = () -> -1;

        long count() throws IOException;
    }

    /** Ends what was started and leaves nothing of it. */
    interface Stop {
        void stop() throws IOException, InterruptedException;
    }
}
