/** Who may ask for pictures, and how often. Knows nothing of HTTP but the Authorization header. */
package dev.blip3o.server.limits;
