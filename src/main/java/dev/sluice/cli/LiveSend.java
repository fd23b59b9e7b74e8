package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Limits;
import dev.sluice.ploop.DiskDescriptor;
import dev.sluice.ploop.StreamHeader;
import dev.sluice.ploop.StreamOut;
import dev.sluice.sys.Arena;
import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;

/**
 * Sends a device that is in use. Turn by turn: first all that has data, then what has changed
 * meanwhile, as long as that gets less. Then changes are held back for a moment, in which what is
 * left is read; it is sent after they go on. So what was sent in all is the disk at that moment.
 */
final class LiveSend {
    /** So many clusters are asked for at a time. */
    private static final int BATCH = 256;
    /** What is left when changes are held should not be more than memory takes. */
    private static final int MEMORY = 64 << 20;
    private static final int MOST_TURNS = 10;
    private static final int MOST_HOLDS = 3;

    private final LiveDisk disk;
    private final String since;
    private final String hold;
    private final Path folder;
    private final Bar bar;
    private StreamOut stream;
    private String tracking = "";
    /** Told, and to be sent in the next turn. */
    private List<Integer> ahead = List.of();

    LiveSend(LiveDisk disk, String since, String hold, Path folder, Bar bar) {
        this.disk = disk;
        this.since = since;
        this.hold = hold;
        this.folder = folder;
        this.bar = bar;
    }

    /** Sends all, or the rest of an earlier transfer. */
    void run(WritableByteChannel out, Transfer old) throws BlockException {
        UUID id = old == null ? start() : resume(old);
        boolean keep = false;
        try (Arena arena = new Arena();
                Spool spool = new Spool(arena.map(MEMORY).bytes(), folder)) {
            stream = new StreamOut(new StreamHeader(id, DiskDescriptor.TOP, since, disk.size(),
                    disk.cluster, old == null ? 0 : old.position()), out,
                    arena.map(Limits.MAX_DATA));
            int left = turn(left());
            stream.turn();
            for (int i = 1; i < MOST_TURNS && left * disk.cluster > MEMORY; i++) {
                int before = left;
                left = turn(left);
                if (left > before / 2) {
                    break;
                }
            }
            last(out, spool);
            stream.end();
        } catch (BlockException e) {
            keep = e.errno() == StreamOut.BROKEN;
            throw e;
        } catch (IOException e) {
            keep = true;
            throw new BlockException(StreamOut.BROKEN, "the stream cannot be written ("
                    + e.getMessage() + "); look what ended the receiver, and go on from there", e);
        } finally {
            if (keep) {
                System.err.println("sluice: changes of " + disk.path + " are still tracked, so that"
                        + " the transfer can go on with --resume " + id + ":N; N is told by image"
                        + " receive --token. End that with: sluice message " + disk.path
                        + " tracking_stop");
            } else if (disk.tracking().equals(tracking)) {
                disk.message("tracking_stop");
            }
        }
    }

    private UUID start() throws BlockException {
        disk.message("tracking_start" + (since.equals(DiskDescriptor.NOTHING) ? "" : " " + since));
        tracking = disk.tracking();
        return id();
    }

    /** What was sent of it so far is of no use to one that stands on something else. */
    private UUID id() {
        return UUID.nameUUIDFromBytes((tracking + since).getBytes(StandardCharsets.UTF_8));
    }

    private UUID resume(Transfer old) throws BlockException {
        tracking = disk.tracking();
        if (!old.id().equals(id())) {
            throw new BlockException(Errno.ENOENT, disk.path + " does not track changes for the"
                    + " transfer " + old.id() + " any more, or that was begun with another --from;"
                    + " give the same, or send all again");
        }
        disk.message("tracking_rewind " + old.position());
        return old.id();
    }

    private int left() throws BlockException {
        return disk.left(tracking);
    }

    /** Sends what is to be sent, once; how much there is again. */
    private int turn(int count) throws BlockException {
        int last = -1;
        int sent = 0;
        while (true) {
            List<Integer> next = ahead.isEmpty() && left() > 0 ? disk.next(BATCH) : ahead;
            if (next.isEmpty() || next.get(0) <= last) {
                ahead = next;
                return next.isEmpty() ? 0 : next.size() + left();
            }
            ahead = List.of();
            for (int cluster : next) {
                stream.cluster(cluster, disk::read);
                last = cluster;
                sent++;
                bar.at(Math.min(count, sent) * disk.cluster, count * disk.cluster);
            }
        }
    }

    /** Sends what is left, all of which is read in one moment. */
    private void last(WritableByteChannel out, Spool spool) throws BlockException, IOException {
        BlockException failure = null;
        for (int i = 0; i < MOST_HOLDS; i++) {
            disk.message("tracking_hold " + hold);
            stream.to(spool);
            try {
                while (left() > 0 || !ahead.isEmpty()) {
                    turn(left());
                }
            } finally {
                failure = release();
            }
            stream.to(out);
            spool.drain(out);
            if (failure == null) {
                return;
            }
        }
        throw new BlockException(Errno.ETIMEDOUT, disk.path + " changes faster than it can be read"
                + " in " + hold + "; take a longer --hold, or send a snapshot", failure);
    }

    private BlockException release() {
        try {
            disk.message("tracking_release");
            return null;
        } catch (BlockException e) {
            return e;
        }
    }
}
