package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
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
    /** Reserved by OpenVZ's tools for what they back up. */
    private static final String BACKUP = "{704718e1-2314-44c8-9087-d78ed36b0f4e}";
    private static final int HEADS = 16;
    private static final int TRACK = 32;

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
            DurableFile.write(file, DescriptorWriter.text(this)
                    .getBytes(StandardCharsets.UTF_8));
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
        shot(guid);
        Map<String, Shot> byGuid = new HashMap<>();
        shots.forEach(shot -> byGuid.put(shot.guid, shot));
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

    /**
     * That of images which stand on each other; the last one is the top, the others get GUIDs.
     *
     * @param files bottom first, as they are to stand in it; their GUIDs are not looked at
     */
    public static DiskDescriptor of(Header top, List<Image> files) {
        List<Image> images = new ArrayList<>();
        List<Shot> shots = new ArrayList<>();
        String parent = NOTHING;
        for (int i = 0; i < files.size(); i++) {
            String guid = i == files.size() - 1 ? TOP : newGuid();
            images.add(new Image(guid, files.get(i).plain, files.get(i).file));
            shots.add(new Shot(guid, parent, null));
            parent = guid;
        }
        long cylinders = Math.max(1, top.sectors() / HEADS / TRACK);
        return new DiskDescriptor(ROOT, top.sectors(), top.clusterSectors(), cylinders, HEADS,
                TRACK, images, TOP, shots);
    }

    /** Whether a text is a GUID as it stands in descriptors. */
    static boolean isGuid(String text) {
        return GUID.matcher(text).matches();
    }

    /** A GUID that nobody has. */
    public static String newGuid() {
        return "{" + UUID.randomUUID() + "}";
    }

    /** A GUID as it stands in descriptors, of what a user wrote: the braces may be left out. */
    public static String guid(String text) throws BlockException {
        String guid = text.toLowerCase(Locale.ROOT);
        guid = guid.startsWith("{") ? guid : "{" + guid + "}";
        if (!GUID.matcher(guid).matches() || guid.equals(NOTHING) || guid.equals(BACKUP)) {
            throw new BlockException(Errno.EINVAL, text + " is no GUID for a snapshot; write one"
                    + " as " + newGuid());
        }
        return guid;
    }

    /** The shot of a GUID. */
    public Shot shot(String guid) throws BlockException {
        for (Shot shot : shots) {
            if (shot.guid.equals(guid)) {
                return shot;
            }
        }
        throw new BlockException(Errno.ENOENT, "there is no snapshot " + guid + "; there are "
                + String.join(", ", shots.stream().map(Shot::guid).toList()));
    }

    /** The image of a GUID. */
    public Image image(String guid) throws BlockException {
        shot(guid);
        return images.stream().filter(image -> image.guid.equals(guid)).findFirst().orElseThrow();
    }

    /** What stands on a shot. */
    public List<Shot> on(String guid) {
        return shots.stream().filter(shot -> shot.parent.equals(guid)).toList();
    }

    /** A name for a new image, by the rule of OpenVZ: the lowest one's with a GUID behind it. */
    public String newFile() throws BlockException {
        return stem() + "." + newGuid();
    }

    /** What names of its images begin with, if they were made by that rule. */
    String stem() throws BlockException {
        return chain(top).get(0).file.replaceAll("\\.\\{[^/]*}$", "");
    }

    /**
     * The same with a snapshot: the image of the top has another name from now on, and a new one
     * stands on it.
     *
     * @param guid of the snapshot
     * @param file the new top, which has nothing yet
     */
    public DiskDescriptor snapshot(String guid, String file) throws BlockException {
        if (shots.stream().anyMatch(shot -> shot.guid.equals(guid)) || guid.equals(TOP)) {
            throw new BlockException(Errno.EEXIST, "there is a snapshot " + guid + " already; take"
                    + " another GUID, or none");
        }
        return renamed(top, guid).topped(guid, file);
    }

    /** The same whose top is no state that was received, but what is made of it. */
    DiskDescriptor written() {
        boolean taken = shots.stream().anyMatch(shot -> shot.guid.equals(TOP));
        return top.equals(TOP) ? this : renamed(top, taken ? newGuid() : TOP);
    }

    /** The same with another top: the present one is gone, and a new one stands on a snapshot. */
    public DiskDescriptor switched(String guid, String file) throws BlockException {
        if (guid.equals(top)) {
            throw new BlockException(Errno.EINVAL, guid + " is what is written, and no snapshot;"
                    + " name one");
        }
        Shot to = shot(guid);
        if (to.temporary != null) {
            throw new BlockException(Errno.EBUSY, "the snapshot " + guid + " is being removed"
                    + " (" + to.temporary + "); take another");
        }
        return without(top).topped(guid, file);
    }

    /** The same without a shot and its image: what stood on it stands on what it stood on. */
    public DiskDescriptor without(String guid) throws BlockException {
        String below = shot(guid).parent;
        List<Shot> left = new ArrayList<>();
        for (Shot shot : shots) {
            if (shot.parent.equals(guid)) {
                left.add(new Shot(shot.guid, below, shot.temporary));
            } else if (!shot.guid.equals(guid)) {
                left.add(shot);
            }
        }
        return with(images.stream().filter(image -> !image.guid.equals(guid)).toList(), top, left);
    }

    /** The same without a shot that one other stands on, which has its image from now on. */
    public DiskDescriptor mergedInto(String guid) throws BlockException {
        String child = onlyChild(guid).guid;
        Image image = image(guid);
        DiskDescriptor merged = without(guid);
        return merged.with(merged.images.stream().map(other -> other.guid.equals(child)
                ? new Image(child, image.plain, image.file) : other).toList(), merged.top,
                merged.shots);
    }

    /** The one that stands on a snapshot; throws where that can be merged with none, or several. */
    public Shot onlyChild(String guid) throws BlockException {
        shot(guid);
        List<Shot> children = on(guid);
        if (children.size() != 1) {
            throw new BlockException(Errno.EBUSY, "on " + guid + " stand " + (children.isEmpty()
                    ? "no others" : String.join(" and ", children.stream().map(Shot::guid).toList())
                    ) + "; it can be merged where there is one");
        }
        return children.get(0);
    }

    /** The same with a mark of work that is not finished, or with none. */
    public DiskDescriptor marked(String guid, String temporary) throws BlockException {
        shot(guid);
        return with(images, top, shots.stream().map(shot -> shot.guid.equals(guid)
                ? new Shot(guid, shot.parent, temporary) : shot).toList());
    }

    /** The same of a disk of another size. */
    public DiskDescriptor sized(long nowSectors) {
        return new DiskDescriptor(root, nowSectors, clusterSectors,
                Math.max(1, nowSectors / HEADS / TRACK), HEADS, TRACK, images, top, shots);
    }

    private DiskDescriptor with(List<Image> nowImages, String nowTop, List<Shot> nowShots) {
        return new DiskDescriptor(root, sectors, clusterSectors, cylinders, heads, trackSectors,
                nowImages, nowTop, nowShots);
    }

    private DiskDescriptor renamed(String from, String to) {
        return with(images.stream().map(image -> image.guid.equals(from)
                ? new Image(to, image.plain, image.file) : image).toList(), top.equals(from) ? to
                : top, shots.stream().map(shot -> new Shot(shot.guid.equals(from) ? to : shot.guid,
                shot.parent.equals(from) ? to : shot.parent, shot.temporary)).toList());
    }

    private DiskDescriptor topped(String on, String file) {
        List<Image> more = new ArrayList<>(images);
        more.add(new Image(TOP, false, file));
        List<Shot> all = new ArrayList<>(shots);
        all.add(new Shot(TOP, on, null));
        return with(more, TOP, all);
    }
}
