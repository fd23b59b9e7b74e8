package dev.sluice.ploop;

import dev.sluice.storage.Backing;

/**
 * A file of a chain below the one that is written.
 *
 * @param path names it in sentences
 * @param backing only read
 * @param raw whether it is the disk as it is, and no image
 */
public record Lower(String path, Backing backing, boolean raw) {}
