package dev.sluice.target;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.block.Target;
import dev.sluice.block.Units;
import dev.sluice.work.Host;
import dev.sluice.zram.Codec;
import dev.sluice.zram.Dictionary;
import dev.sluice.zram.Means;
import dev.sluice.zram.Options;
import dev.sluice.zram.Zram;
import java.util.List;

/** How a {@link Zram} is made from a table line. */
final class ZramTarget implements TargetType {
    static final TargetType TYPE = new ZramTarget();

    private static final int MOST_WRITERS = 64;

    private ZramTarget() {}

    @Override
    public String name() {
        return "zram";
    }

    @Override
    public String summary() {
        return "keeps data in memory, compressed page by page";
    }

    @Override
    public int lowers() {
        return 0;
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter("codec", String.join("|", Codec.NAMES), "lz4",
                        "what pages are compressed with"),
                new Parameter("level", "NUMBER", "0",
                        "the codec's own scale, 0 for its default; with lz4 more is faster"),
                new Parameter("dict", "FILE", "",
                        "a dictionary for zstd, of at most 1M"),
                new Parameter("page", "SIZE", "4k",
                        "what is compressed as one, 4k to 64k; also the block size"),
                new Parameter("writers", "NUMBER", "",
                        "threads that share a large request, 1 to 64; one for each processor"),
                new Parameter("async", "on|off", "on",
                        "off leaves a large request to one thread, for comparison"),
                new Parameter("mem-limit", "SIZE", "0",
                        "the most memory for what is stored, 0 for no limit; can change in use"),
                new Parameter("recompress", "CODEC[:level=N][:dict=FILE][:after=TIME],…|off",
                        "off", "up to three codecs to recompress with, and after what time"
                        + " without use by itself; can change in use"),
                new Parameter("writeback", "after=TIME|off", "off",
                        "after what time without use pages are written back by themselves; can"
                        + " change in use"),
                new Parameter("backing", "LOWER", "", "a device that pages are written back to"),
                new Parameter("backing-file", "PATH", "",
                        "a file or block device that pages are written back to"),
                new Parameter("compressed-writeback", "on|off", "off",
                        "pages are written back as they are stored"));
    }

    @Override
    public List<String> lowerKeys() {
        return List.of("backing");
    }

    @Override
    public Target open(TargetArgs args, Host host) throws BlockException {
        Options options = options(args);
        return new Zram(args.device(), options, new Means(host.arena(),
                host.queues().of(args.device())::run, host.clock(), host.log(), host.timer(),
                args.lower("backing", null)));
    }

    private static Options options(TargetArgs args) throws BlockException {
        int page = args.blockSize("page", Options.LEAST_PAGE);
        if (page < Options.LEAST_PAGE) {
            throw TargetArgs.bad("page", args.text("page", ""), "a power of two from 4k to 64k");
        }
        if (args.size() / page >= Options.MOST_PAGES) {
            throw new BlockException(Errno.EFBIG, "size " + Units.size(args.size())
                    + " must be below " + Units.size(Options.MOST_PAGES * page) + " with page="
                    + Units.size(page));
        }
        if (args.size() % page != 0) {
            throw new BlockException(Errno.EINVAL, "size " + Units.size(args.size())
                    + " must be a multiple of page=" + Units.size(page));
        }
        String dictionary = args.text("dict", null);
        return new Options(args.size(), page, args.text("codec", "lz4"),
                number(args, "level", 0, Short.MIN_VALUE, 1 << 17),
                dictionary == null ? null : Dictionary.read(dictionary),
                Dictionary.absolute(dictionary),
                number(args, "writers", processors(), 1, MOST_WRITERS),
                args.flag("async", true), args.size("mem-limit", 0), later(args));
    }

    private static Options.Later later(TargetArgs args) throws BlockException {
        String file = args.text("backing-file", "");
        if (!file.isEmpty() && args.lower("backing", null) != null) {
            throw new BlockException(Errno.EINVAL, "backing= and backing-file= are two places;"
                    + " name one");
        }
        return new Options.Later(args.text("recompress", "off"), args.text("writeback", "off"),
                file.isEmpty() ? null : file, args.flag("compressed-writeback", false));
    }

    private static int processors() {
        return Math.min(MOST_WRITERS, Runtime.getRuntime().availableProcessors());
    }

    private static int number(TargetArgs args, String key, int otherwise, int least, int most)
            throws BlockException {
        String text = args.text(key, Integer.toString(otherwise));
        try {
            int n = Integer.parseInt(text);
            if (n >= least && n <= most) {
                return n;
            }
        } catch (NumberFormatException e) {
            // Refused below.
        }
        throw TargetArgs.bad(key, text, "a number from " + least + " to " + most);
    }
}
