/** The model as the server sees it. Knows nothing of HTTP. */
package dev.blip3o.server.model;
