/** Routes and handlers of the HTTP server. They run on its event loop: none of them waits. */
package dev.blip3o.server.http;
