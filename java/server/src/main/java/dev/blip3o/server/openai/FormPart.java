package dev.blip3o.server.openai;

/**
 * A file in a form.
 *
 * @param name of its field
 * @param bytes the file
 */
public record FormPart(String name, byte[] bytes) {}
