/** OpenAI's images API on a {@link dev.blip3o.Blip3oModel}. */
package dev.blip3o.server;
