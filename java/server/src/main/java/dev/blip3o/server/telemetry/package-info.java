/**
 * What the server tells its operators: metrics and logs. Neither ever holds a prompt, a key, a
 * picture or its address.
 */
package dev.blip3o.server.telemetry;
