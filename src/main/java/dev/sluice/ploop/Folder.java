package dev.sluice.ploop;

import dev.sluice.block.BlockException;
import dev.sluice.storage.Backing;
import java.util.List;

/**
 * Where the files of a disk are, and what is written down of them. What changes here is durable
 * when the call ends. One call at a time.
 */
public interface Folder {
    /** Names what is written down, as a table line does. */
    String word();

    /** What is written down; null where nothing is yet. */
    DiskDescriptor read() throws BlockException;

    /** Replaces what is written down, as a whole. */
    void write(DiskDescriptor descriptor) throws BlockException;

    /** Nothing is written down any more. */
    void forget() throws BlockException;

    /** The path of a file, of what a descriptor calls it. */
    String path(String file);

    /** What a descriptor calls a file. */
    String file(String path);

    /** Opens a file that is there. */
    Backing open(String path, boolean readOnly) throws BlockException;

    /** Makes a file, empty, with the rights of another one, and opens it for writing. */
    Backing create(String path, String like) throws BlockException;

    /** Takes a file away; who has it open goes on with it. */
    void remove(String path) throws BlockException;

    /** Tells a file from any other, whatever its name is; null where there is none. No blanks. */
    String mark(String path) throws BlockException;

    /** The files that {@link #doubt} noted last. */
    List<Doubt> doubts() throws BlockException;

    /** Notes files that come or go, in place of those before. */
    void doubt(List<Doubt> files) throws BlockException;

    /**
     * Takes away what was being written when a process was killed, and had no name yet that anybody
     * knows. Who calls has the disk locked for writing.
     */
    void sweep();
}
