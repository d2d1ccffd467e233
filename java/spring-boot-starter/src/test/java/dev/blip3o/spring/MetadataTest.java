package dev.blip3o.spring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.blip3o.Compute;
import dev.blip3o.Device;
import dev.blip3o.Quantization;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What editors read of the properties. */
class MetadataTest {
  private static final JsonNode METADATA = read("META-INF/spring-configuration-metadata.json");

  private static JsonNode read(String resource) {
    try (InputStream in = MetadataTest.class.getClassLoader().getResourceAsStream(resource)) {
      return new ObjectMapper().readTree(in);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Stream<String> names(String prefix, Class<?> properties) {
    return Arrays.stream(properties.getRecordComponents())
        .map(RecordComponent::getName)
        .map(name -> name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT))
        .map(name -> prefix + name);
  }

  @Test
  void everyPropertyIsDescribed() {
    Set<String> expected =
        Stream.concat(
                names("blip3o.", Blip3oProperties.class).filter(name -> !name.endsWith(".image")),
                names("blip3o.image.", ImageProperties.class))
            .collect(Collectors.toCollection(TreeSet::new));
    Set<String> found = new TreeSet<>();
    for (JsonNode property : METADATA.get("properties")) {
      found.add(property.get("name").asText());
      assertFalse(property.path("description").asText().isBlank(), property.toString());
    }
    assertEquals(expected, found);
  }

  @Test
  void everyValueOfANameIsHinted() {
    assertEquals(hints("blip3o.device"), names(Device.values()));
    assertEquals(hints("blip3o.compute"), names(Compute.values()));
    assertEquals(hints("blip3o.quantization"), names(Quantization.values()));
  }

  private static Set<String> names(Enum<?>[] values) {
    return Arrays.stream(values)
        .map(value -> value.name().toLowerCase(Locale.ROOT).replace('_', '-'))
        .collect(Collectors.toSet());
  }

  private static Set<String> hints(String property) {
    Set<String> values = new TreeSet<>();
    for (JsonNode hint : METADATA.get("hints")) {
      if (hint.get("name").asText().equals(property)) {
        hint.get("values").forEach(value -> values.add(value.get("value").asText()));
      }
    }
    return values;
  }
}
