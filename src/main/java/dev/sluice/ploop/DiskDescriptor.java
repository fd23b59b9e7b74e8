package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What a DiskDescriptor.xml says: which images there are, and which stands on which. What other
 * programs keep in it beyond that is not kept.
 *
 * @param root the name of its outermost element
 * @param sectors of the disk
 * @param clusterSectors of every image in it
 * @param cylinders a hint of geometry, as are heads and track sectors
 * @param heads see cylinders
 * @param trackSectors see cylinders
 * @param images one for each shot
 * @param top the GUID of the one that is written
 * @param shots the tree
 */
public record DiskDescriptor(String root, long sectors, long clusterSectors, long cylinders,
        long heads, long trackSectors, List<Image> images, String top, List<Shot> shots) {
    /** The outermost element, as OpenVZ's tools write it. */
    public static final String ROOT = "Virtuozzo_disk_image";
    /** The same by the format's description. */
    public static final String PARALLELS_ROOT = "Parallels_disk_image";
    /** What the lowest image stands on: nothing. */
    public static final String NOTHING = "{00000000-0000-0000-0000-000000000000}";
    /** The one that is written, where nothing else is said. */
    public static final String TOP = "{5fbaabe3-6958-40ff-92a7-860e329aab41}";

    private static final Pattern GUID = Pattern.compile(
            "\\{[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}}");
    private static final long LEAST_CLUSTER = 64;
    private static final long MOST_CLUSTER = 131072;

    /**
     * A file.
     *
     * @param guid of its shot
     * @param plain whether it is the disk as it is, and no image
     * @param file absolute, or from the folder of the descriptor
     */
    public record Image(String guid, boolean plain, String file) {}

    /**
     * A state of the disk.
     *
     * @param guid its name
     * @param parent what it stands on
     * @param temporary the mark of work that was not finished; null for none
     */
    public record Shot(String guid, String parent, String temporary) {}

    public DiskDescriptor {
        images = List.copyOf(images);
        shots = List.copyOf(shots);
    }

    /** Reads and checks one. */
    public static DiskDescriptor read(Path file) throws BlockException {
        DiskDescriptor descriptor = DescriptorReader.read(file);
        descriptor.check(file.toString());
        return descriptor;
    }

    /**
     * Replaces the file, or makes it: at any moment it is the old one or the new one as a whole,
     * and when this ends the new one is durable.
     */
    public void write(Path file) throws BlockException {
        check(file.toString());
        try {
            DescriptorWriter.write(this, file);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, file + " cannot be written: " + e
                    + "; what was there is unchanged", e);
        }
    }

    /** Throws where the rules of the format are broken. */
    private void check(String path) throws BlockException {
        require(path, sectors > 0, "Disk_size is " + sectors, "more than 0");
        require(path, Long.bitCount(clusterSectors) == 1 && clusterSectors >= LEAST_CLUSTER
                && clusterSectors <= MOST_CLUSTER, "Blocksize is " + clusterSectors,
                "a power of two from " + LEAST_CLUSTER + " to " + MOST_CLUSTER);
        Map<String, Shot> byGuid = new HashMap<>();
        for (Shot shot : shots) {
            require(path, GUID.matcher(shot.guid).matches() && !shot.guid.equals(NOTHING),
                    "a Shot has the GUID " + shot.guid, "as in " + TOP);
            require(path, byGuid.put(shot.guid, shot) == null, "two Shots are " + shot.guid,
                    "one");
        }
        Set<String> named = new HashSet<>();
        for (Image image : images) {
            Shot shot = byGuid.get(image.guid);
            require(path, shot != null, "the Image " + image.file + " is of " + image.guid
                    + ", which is no Shot", "the GUID of a Shot");
            require(path, named.add(image.guid), "two Images are of " + image.guid, "one");
            require(path, !image.file.isEmpty() && image.file.indexOf('\0') < 0,
                    "the Image of " + image.guid + " has no File", "a path");
            require(path, !image.plain || shot.parent.equals(NOTHING), "the Image " + image.file
                    + " is Plain and stands on another", "Compressed: only the lowest is Plain");
        }
        require(path, images.size() == shots.size(), "it has " + images.size() + " Images and "
                + shots.size() + " Shots", "one Image for each");
        for (Shot shot : shots) {
            boolean stands = shot.parent.equals(NOTHING) || byGuid.containsKey(shot.parent);
            require(path, stands, "the Shot " + shot.guid + " stands on " + shot.parent
                    + ", which is no Shot", "the GUID of a Shot or " + NOTHING);
        }
        require(path, byGuid.containsKey(top), "the top " + top + " is no Shot",
                "the GUID of a Shot");
        require(path, byGuid.get(top).temporary == null, "the top " + top + " is "
                + byGuid.get(top).temporary, "a finished one; finish that with the program that"
                + " began it");
        for (Shot shot : shots) {
            chain(shot.guid, path, byGuid);
        }
    }

    private static void require(String path, boolean right, String found, String expected)
            throws BlockException {
        if (!right) {
            throw new BlockException(Errno.EINVAL, path + " is wrong: " + found + "; right would"
                    + " be " + expected);
        }
    }

    /** The images that make up a state of the disk, bottom first. */
    public List<Image> chain(String guid) throws BlockException {
        Map<String, Shot> byGuid = new HashMap<>();
        shots.forEach(shot -> byGuid.put(shot.guid, shot));
        if (!byGuid.containsKey(guid)) {
            throw new BlockException(Errno.ENOENT, "there is no snapshot " + guid + "; there are "
                    + String.join(", ", shots.stream().map(Shot::guid).toList()));
        }
        return chain(guid, "the descriptor", byGuid);
    }

    private List<Image> chain(String guid, String path, Map<String, Shot> byGuid)
            throws BlockException {
        Map<String, Image> files = new HashMap<>();
        images.forEach(image -> files.put(image.guid, image));
        List<Image> chain = new ArrayList<>();
        for (String at = guid; !at.equals(NOTHING); at = byGuid.get(at).parent) {
            require(path, chain.size() < byGuid.size(), "the Shot " + guid + " stands on itself",
                    "a chain that ends in " + NOTHING);
            chain.add(files.get(at));
        }
        Collections.reverse(chain);
        return chain;
    }
}
