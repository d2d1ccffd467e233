/**
 * The forms of OpenAI's images API: requests, answers, events, errors. Knows nothing of HTTP
 * servers.
 */
package dev.blip3o.server.openai;
