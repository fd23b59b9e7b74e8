package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.SAXException;

/** Takes a DiskDescriptor.xml apart. What it may not be: large, or anything that names others. */
final class DescriptorReader {
    /** More than the longest chain needs. */
    static final int MOST_BYTES = 1 << 20;

    private final Path file;

    private DescriptorReader(Path file) {
        this.file = file;
    }

    static DiskDescriptor read(Path file) throws BlockException {
        return new DescriptorReader(file).descriptor();
    }

    private DiskDescriptor descriptor() throws BlockException {
        Element root = root();
        if (!root.getTagName().equals(DiskDescriptor.ROOT)
                && !root.getTagName().equals(DiskDescriptor.PARALLELS_ROOT)) {
            throw unlike("its outermost element is " + root.getTagName(), DiskDescriptor.ROOT
                    + " or " + DiskDescriptor.PARALLELS_ROOT);
        }
        Element disk = only(root, "Disk_Parameters");
        if (child(disk, "Padding") != null && number(disk, "Padding") != 0) {
            throw unlike("Padding is " + number(disk, "Padding"), "0: others are not known here");
        }
        Element encryption = child(disk, "Encryption");
        if (encryption != null && !encryption.getTextContent().isBlank()) {
            throw unlike("the disk is encrypted", "one without Encryption: keys are not known"
                    + " here");
        }
        long sectors = number(disk, "Disk_size");
        Element storage = only(only(root, "StorageData"), "Storage");
        if (number(storage, "Start") != 0 || number(storage, "End") != sectors) {
            throw unlike("its Storage goes from " + number(storage, "Start") + " to "
                    + number(storage, "End"), "0 to " + sectors + ", all of the disk");
        }
        List<DiskDescriptor.Image> images = new ArrayList<>();
        for (Element image : children(storage, "Image")) {
            String type = text(image, "Type");
            if (!type.equals("Compressed") && !type.equals("Plain")) {
                throw unlike("an Image has the Type " + type, "Compressed or Plain");
            }
            images.add(new DiskDescriptor.Image(guid(image, "GUID"), type.equals("Plain"),
                    text(image, "File")));
        }
        Element snapshots = only(root, "Snapshots");
        List<DiskDescriptor.Shot> shots = new ArrayList<>();
        for (Element shot : children(snapshots, "Shot")) {
            shots.add(new DiskDescriptor.Shot(guid(shot, "GUID"), guid(shot, "ParentGUID"),
                    temporary(shot)));
        }
        String top = child(snapshots, "TopGUID") == null ? DiskDescriptor.TOP
                : guid(snapshots, "TopGUID");
        return new DiskDescriptor(root.getTagName(), sectors, number(storage, "Blocksize"),
                hint(disk, "Cylinders"), hint(disk, "Heads"), hint(disk, "Sectors"), images, top,
                shots);
    }

    private static String temporary(Element shot) {
        for (Element child : children(shot, null)) {
            if (child.getTagName().startsWith("Temporary")) {
                return child.getTagName();
            }
        }
        return null;
    }

    private BlockException unlike(String found, String expected) {
        return new BlockException(Errno.EINVAL, file + " is wrong: " + found + "; right would be "
                + expected);
    }

    private Element root() throws BlockException {
        try {
            DocumentBuilder builder = builder();
            builder.setErrorHandler(null);
            return builder.parse(new ByteArrayInputStream(bytes())).getDocumentElement();
        } catch (SAXException e) {
            throw new BlockException(Errno.EINVAL, file + " is no sound XML: " + e.getMessage()
                    + "; put one in its place that is, or name the images with image=FILE,…", e);
        } catch (NoSuchFileException e) {
            throw new BlockException(Errno.ENOENT, file + " does not exist; name an image or a"
                    + " DiskDescriptor.xml", e);
        } catch (AccessDeniedException e) {
            throw new BlockException(Errno.EACCES, file + " may not be read: permission denied;"
                    + " change its owner or mode", e);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, file + " cannot be read: " + e.getMessage()
                    + "; see what the kernel says of its storage: dmesg", e);
        } catch (ParserConfigurationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Nothing beyond the file itself is looked at, nor anything that grows by itself. */
    private static DocumentBuilder builder() throws ParserConfigurationException {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultInstance();
        factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        factory.setAttribute(XMLConstants.ACCESS_EXTERNAL_DTD, "");
        factory.setAttribute(XMLConstants.ACCESS_EXTERNAL_SCHEMA, "");
        factory.setXIncludeAware(false);
        factory.setExpandEntityReferences(false);
        return factory.newDocumentBuilder();
    }

    private byte[] bytes() throws IOException, BlockException {
        if (!Files.isRegularFile(file) && Files.exists(file)) {
            throw new BlockException(Errno.EINVAL, file + " is no regular file; name a"
                    + " DiskDescriptor.xml");
        }
        try (InputStream in = Files.newInputStream(file)) {
            byte[] bytes = in.readNBytes(MOST_BYTES + 1);
            if (bytes.length > MOST_BYTES) {
                throw new BlockException(Errno.EFBIG, file + " has more than " + MOST_BYTES
                        + " bytes; a DiskDescriptor.xml has less");
            }
            return bytes;
        }
    }

    /** All of a name, or all where it is null. */
    private static List<Element> children(Element of, String name) {
        List<Element> all = new ArrayList<>();
        for (Node n = of.getFirstChild(); n != null; n = n.getNextSibling()) {
            if (n instanceof Element e && (name == null || e.getTagName().equals(name))) {
                all.add(e);
            }
        }
        return all;
    }

    private static Element child(Element of, String name) {
        List<Element> all = children(of, name);
        return all.isEmpty() ? null : all.get(0);
    }

    private Element only(Element of, String name) throws BlockException {
        List<Element> all = children(of, name);
        if (all.size() != 1) {
            throw unlike(of.getTagName() + " has " + all.size() + " times " + name, "once");
        }
        return all.get(0);
    }

    private String text(Element of, String name) throws BlockException {
        return only(of, name).getTextContent().strip();
    }

    private String guid(Element of, String name) throws BlockException {
        return text(of, name).toLowerCase(Locale.ROOT);
    }

    private long hint(Element of, String name) throws BlockException {
        return child(of, name) == null ? 0 : number(of, name);
    }

    private long number(Element of, String name) throws BlockException {
        String text = text(of, name);
        if (!text.matches("\\d{1,18}")) {
            throw unlike(name + " is " + text, "a number");
        }
        return Long.parseLong(text);
    }
}
