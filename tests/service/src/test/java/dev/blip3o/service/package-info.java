/** Tests of the service as its users meet it: through a browser, a client library, many clients. */
package dev.blip3o.service;
