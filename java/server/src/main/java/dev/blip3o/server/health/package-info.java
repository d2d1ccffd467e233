/** Whether the server takes work, and how it ends. Knows nothing of HTTP. */
package dev.blip3o.server.health;
