package dev.blip3o.internal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** NVIDIA's library of products in a jar: here one that only has its name. */
class ProductLibraryTest {
  @TempDir Path folder;

  @Test
  void itIsUnpackedFromItsJar() throws IOException {
    byte[] bytes = {1, 2, 3};
    Path jar = folder.resolve("cuda-redist.jar");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
      zip.putNextEntry(new ZipEntry(ProductLibrary.RESOURCE));
      zip.write(bytes);
    }
    try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()})) {
      Path directory = ProductLibrary.directory(loader).orElseThrow();
      Path file = directory.resolve("libcublasLt.so.13");
      assertTrue(Files.isRegularFile(file), file.toString());
      assertEquals(bytes.length, Files.size(file));
    }
  }

  @Test
  void withoutSuchAJarThereIsNone() {
    ClassLoader loader = ProductLibraryTest.class.getClassLoader();
    assertEquals(Optional.empty(), ProductLibrary.directory(loader));
  }

  @Test
  void aJarThatCantBeReadIsNoFailure() {
    URLStreamHandler broken =
        new URLStreamHandler() {
          @Override
          protected URLConnection openConnection(URL url) throws IOException {
            throw new IOException("the disk is gone");
          }
        };
    ClassLoader loader =
        new ClassLoader() {
          @Override
          public URL getResource(String name) {
            try {
              return new URL(null, "broken:/" + name, broken);
            } catch (MalformedURLException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    assertEquals(Optional.empty(), ProductLibrary.directory(loader));
  }
}
