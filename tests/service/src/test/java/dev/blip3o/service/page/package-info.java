/**
 * The web page, used in a real browser as people use it: with a mouse, and with a keyboard alone.
 */
package dev.blip3o.service.page;
