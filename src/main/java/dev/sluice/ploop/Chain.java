package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;

/**
 * The files that make up a disk, by their names.
 *
 * @param files bottom first; the last one is the one that is written
 */
public record Chain(List<Part> files) {
    /** The most files: as many as dm-ploop takes. */
    public static final int MOST = 253;

    private static final String RAW = "raw@";

    /**
     * One of them.
     *
     * @param path absolute
     * @param raw whether it is the disk as it is, and no image
     */
    public record Part(String path, boolean raw) {}

    public Chain {
        files = List.copyOf(files);
    }

    /** What a path means: an image, or with {@code .xml} at its end a DiskDescriptor.xml. */
    public static Chain at(String path) throws BlockException {
        return described(path) ? of(path, null) : new Chain(List.of(new Part(path, false)));
    }

    /** Whether a path is that of a DiskDescriptor.xml. */
    public static boolean described(String path) {
        return path.toLowerCase(Locale.ROOT).endsWith(".xml");
    }

    /**
     * The files of a state of the disk, the last of which is not written.
     *
     * @param path of a DiskDescriptor.xml
     * @param guid the state; null for the top
     */
    public static Chain of(String path, String guid) throws BlockException {
        Path file = Path.of(path);
        DiskDescriptor descriptor = DiskDescriptor.read(file);
        List<Part> parts = new ArrayList<>();
        for (DiskDescriptor.Image image : descriptor.chain(guid == null ? descriptor.top()
                : guid)) {
            String name = file.toAbsolutePath().resolveSibling(image.file()).normalize()
                    .toString();
            parts.add(new Part(name, image.plain()));
        }
        return guid == null ? checked(path, parts) : new Chain(parts);
    }

    /**
     * The DiskDescriptor.xml of a disk: the path itself where it ends in {@code .xml}, else the
     * one beside the image, which is there once there is a snapshot.
     */
    public static String descriptor(String path) {
        return path.toLowerCase(Locale.ROOT).endsWith(".xml") ? path : path + ".xml";
    }

    /** What a disk is: as its descriptor says, or, where there is none, the image. */
    public static Chain disk(String path) throws BlockException {
        String descriptor = descriptor(path);
        return at(Files.exists(Path.of(descriptor)) ? descriptor : path);
    }

    /** The files of a list, bottom first, between commas; the first may begin with raw@. */
    public static Chain list(String list) throws BlockException {
        List<Part> parts = new ArrayList<>();
        for (String word : list.split(",", -1)) {
            boolean raw = word.startsWith(RAW);
            String name = raw ? word.substring(RAW.length()) : word;
            if (name.isEmpty() || name.indexOf('\0') >= 0) {
                throw wrong("image=" + list + " has an empty name in it; write the files between"
                        + " commas, the lowest first, as in image=base.hds,top.hds");
            }
            parts.add(new Part(Path.of(name).toAbsolutePath().toString(), raw));
        }
        return checked("image=" + list, parts);
    }

    private static BlockException wrong(String sentence) {
        return new BlockException(Errno.EINVAL, sentence);
    }

    private static Chain checked(String what, List<Part> parts) throws BlockException {
        if (parts.size() > MOST) {
            throw wrong(what + " names a chain of " + parts.size() + " files; there can be "
                    + MOST + "; merge some");
        }
        for (int i = 1; i < parts.size(); i++) {
            if (parts.get(i).raw) {
                throw wrong(parts.get(i).path + " is raw and stands above another file; only the"
                        + " lowest of a chain can be raw");
            }
        }
        if (parts.get(0).raw && parts.size() == 1) {
            throw wrong(parts.get(0).path + " is raw and has no image above it; use the target file"
                    + " for it, or put an image on top");
        }
        HashSet<String> seen = new HashSet<>();
        for (Part part : parts) {
            if (!seen.add(part.path)) {
                throw wrong(part.path + " is twice in the chain; name each file once");
            }
        }
        return new Chain(parts);
    }

    /** The one that is written. */
    public String top() {
        return files.get(files.size() - 1).path;
    }

    /** As a word of a table line, that reads back as the same. */
    public String word() {
        StringBuilder word = new StringBuilder("image=");
        for (int i = 0; i < files.size(); i++) {
            word.append(i > 0 ? "," : "").append(files.get(i).raw ? RAW : "")
                    .append(files.get(i).path);
        }
        return word.toString();
    }
}
