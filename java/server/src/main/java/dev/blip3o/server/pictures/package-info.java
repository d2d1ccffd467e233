/** Pictures on their way to clients. Knows nothing of HTTP. */
package dev.blip3o.server.pictures;
