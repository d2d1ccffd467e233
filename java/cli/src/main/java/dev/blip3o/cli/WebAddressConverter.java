package dev.blip3o.cli;

import java.net.URI;
import java.net.URISyntaxException;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Parses an address of the web; what it must hold the server says. */
final class WebAddressConverter implements ITypeConverter<URI> {
  @Override
  public URI convert(String word) {
    try {
      return new URI(word);
    } catch (URISyntaxException e) {
      throw new TypeConversionException("'" + Text.oneLine(word) + "' is no address");
    }
  }
}
