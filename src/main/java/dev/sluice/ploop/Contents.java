package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Memory;
import dev.sluice.storage.Backing;

/** What is on a disk, wherever it is stored: to be read from the start to the end. */
public sealed interface Contents {
    /** The bytes of a file as they are. */
    static Contents raw(String path, Backing file) {
        return new Raw(path, file);
    }

    /** The disk in an image. */
    static Contents of(String path, Image image, Backing file) {
        return new Of(path, image, file);
    }

    /** The disk in a chain. */
    static Contents stacked(Stack stack) {
        return new Stacked(stack);
    }

    /** Bytes of the disk. */
    long size();

    /** The next byte from one on that may not be zero, or is; the size where there is none. */
    long seek(long from, boolean data);

    /** Reads a range within what {@link #seek} tells to be data. */
    void read(long from, Memory to, int length) throws BlockException;

    private static void check(String path, long at, Errno outcome) throws BlockException {
        if (outcome != Errno.OK) {
            throw BlockException.storage(outcome, path + " cannot be read at byte " + at);
        }
    }

    /** A file. */
    final class Raw implements Contents {
        private final String path;
        private final Backing file;

        private Raw(String path, Backing file) {
            this.path = path;
            this.file = file;
        }

        @Override
        public long size() {
            return file.size();
        }

        @Override
        public long seek(long from, boolean data) {
            return file.seek(from, data);
        }

        @Override
        public void read(long from, Memory to, int length) throws BlockException {
            check(path, from, file.read(from, to, 0, length));
        }
    }

    /** An image. */
    final class Of implements Contents {
        private final String path;
        private final Header header;
        private final Bat bat;
        private final Backing file;

        private Of(String path, Image image, Backing file) {
            this.path = path;
            this.header = image.header();
            this.bat = image.bat();
            this.file = file;
        }

        @Override
        public long size() {
            return header.diskBytes();
        }

        @Override
        public long seek(long from, boolean data) {
            int i = (int) (from / header.clusterBytes());
            int found = i;
            if (data) {
                found = bat.next(i);
            } else {
                while (found < header.needed() && bat.word(found) != 0) {
                    found++;
                }
            }
            return found == i ? Math.min(from, size())
                    : Math.min(found * header.clusterBytes(), size());
        }

        @Override
        public void read(long from, Memory to, int length) throws BlockException {
            for (int done = 0; done < length;) {
                long at = from + done;
                int index = (int) (at / header.clusterBytes());
                long in = at % header.clusterBytes();
                int cluster = bat.get(index);
                if (cluster == Bat.BAD) {
                    throw new BlockException(Errno.EIO, path + " is damaged: cluster " + index
                            + " of the disk has no place in the file; see it with: sluice image"
                            + " check " + path);
                }
                int piece = (int) Math.min(length - done, header.clusterBytes() - in);
                check(path, header.offset(cluster) + in,
                        file.read(header.offset(cluster) + in, to, done, piece));
                done += piece;
            }
        }
    }

    /** A chain. */
    final class Stacked implements Contents {
        private final Stack stack;
        private final long cluster;

        private Stacked(Stack stack) {
            this.stack = stack;
            this.cluster = stack.top().header().clusterBytes();
        }

        @Override
        public long size() {
            return stack.size();
        }

        @Override
        public long seek(long from, boolean data) {
            int i = (int) (from / cluster);
            int found = i;
            while (found < stack.clusters() && stack.level(found) >= 0 != data) {
                found++;
            }
            return found == i ? Math.min(from, size()) : Math.min(found * cluster, size());
        }

        @Override
        public void read(long from, Memory to, int length) throws BlockException {
            for (int done = 0; done < length;) {
                int index = (int) ((from + done) / cluster);
                long in = (from + done) % cluster;
                int piece = (int) Math.min(length - done, cluster - in);
                stack.read(index, in, to, done, piece);
                done += piece;
            }
        }
    }
}
