package dev.blip3o.server.http;

import dev.blip3o.server.openai.FormPart;
import java.util.List;
import java.util.Map;

/**
 * A form that has been read.
 *
 * @param values the fields that are no files, in their order
 * @param files the files, in their order
 */
record Form(List<Map.Entry<String, String>> values, List<FormPart> files) {}
