package dev.sluice.cli;

import dev.sluice.block.BlockException;
import dev.sluice.block.Errno;
import dev.sluice.ploop.Chain;
import dev.sluice.ploop.Contents;
import dev.sluice.ploop.Lower;
import dev.sluice.ploop.Stack;
import dev.sluice.storage.FileBacking;
import dev.sluice.sys.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The files that a command reads a disk from, with their memory; locked against writers as long as
 * they are open.
 */
final class OpenChain implements AutoCloseable {
    /** How the files of a chain are named on the command line. */
    static final String LABEL = "FILE";
    /** The same in a sentence. */
    static final String MEANING = "an image, a DiskDescriptor.xml, or the files of a chain with"
            + " commas between them, the lowest first, which may be raw@FILE";

    final Arena arena = new Arena();
    final List<Lower> files = new ArrayList<>();
    private final boolean described;
    private Stack stack;

    private OpenChain(boolean described) {
        this.described = described;
    }

    /** What a word of the command line names, in a state that a DiskDescriptor.xml may have. */
    static Chain named(String word, String guid) throws BlockException {
        if (Chain.described(word)) {
            return Chain.of(word, guid);
        }
        if (guid != null) {
            throw new BlockException(Errno.EINVAL, word + " has no snapshots; name a"
                    + " DiskDescriptor.xml, or leave --snapshot out");
        }
        boolean list = word.startsWith("raw@") || word.indexOf(',') >= 0;
        return list && !Files.exists(Path.of(word)) ? Chain.list(word)
                : new Chain(List.of(new Chain.Part(word, false)));
    }

    /** Opens what a word names, to be read. */
    static OpenChain open(String word, String guid) throws BlockException {
        return open(named(word, guid), Chain.described(word));
    }

    /** Opens files; {@code described}: a DiskDescriptor.xml names them. */
    static OpenChain open(Chain chain, boolean described) throws BlockException {
        OpenChain open = new OpenChain(described);
        try {
            for (Chain.Part file : chain.files()) {
                if (!Files.exists(Path.of(file.path()))) {
                    throw new BlockException(Errno.ENOENT, file.path() + " does not exist; put it"
                            + " where the disk says that it is, or name another disk");
                }
                open.files.add(new Lower(file.path(), FileBacking.open(file.path(), false, true,
                        open.arena, OpenFile::warn), file.raw()));
            }
            return open;
        } catch (BlockException | RuntimeException | Error e) {
            open.close();
            throw e;
        }
    }

    /** The uppermost file. */
    Lower top() {
        return files.get(files.size() - 1);
    }

    /** The chain, whose uppermost file is an image. */
    Stack stack() throws BlockException {
        if (stack == null) {
            stack = Stack.open(files, described, arena, OpenFile::warn);
        }
        return stack;
    }

    /** What is on the disk. */
    Contents contents() throws BlockException {
        return top().raw() ? Contents.raw(top().path(), top().backing()) : stack().contents();
    }

    @Override
    public void close() throws BlockException {
        try {
            if (stack != null) {
                stack.close();
            }
            for (Lower file : files) {
                file.backing().close();
            }
        } finally {
            arena.close();
        }
    }
}
