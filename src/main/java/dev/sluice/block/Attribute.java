package dev.sluice.block;

/**
 * A value of a target that shows as a control file of its device, like one of the kernel's in
 * sysfs. Reads and writes come from any thread; the writes of one device one after the other.
 *
 * @param name the file's name: lower case, digits, underscores
 * @param read what the file holds now, each line ended; null where it cannot be read
 * @param write acts on what was written; null where it cannot be
 */
public record Attribute(String name, Read read, Write write) {
    /** Makes the content. Must not wait for data. */
    @FunctionalInterface
    public interface Read {
        /** The content, with the last line ended. */
        String content() throws BlockException;
    }

    /** Takes what was written, whole; it may take its time, and waits for nobody's requests. */
    @FunctionalInterface
    public interface Write {
        /**
         * Acts, or changes nothing and throws.
         *
         * @param text without blanks around it
         * @param inUse whether the device's file is open or another device stands on it
         */
        void act(String text, boolean inUse) throws BlockException;
    }
}
