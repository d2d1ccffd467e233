package dev.blip3o.training.scenes;

import java.awt.Color;
import java.awt.Shape;
import java.awt.image.BufferedImage;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads objects and background back out of a picture's pixels: each pixel takes the nearest colour
 * of the palette, regions of one colour are objects, and an object's shape is the one that overlaps
 * it best.
 */
public final class SceneReader {
  /** Regions below this share of the picture are dirt. */
  private static final double MIN_AREA = 0.004;

  /** Regions thinner than this share of the height are smooth edges between two other colours. */
  private static final double MIN_EXTENT = 0.045;

  private static final double MIN_OVERLAP = 0.5;
  private static final int CELLS = 64;
  private static final Map<SceneShape, boolean[][]> TEMPLATES = templates();

  private SceneReader() {}

  /** What the picture shows. */
  public static Reading read(BufferedImage picture) {
    Enum<?>[][] names = nearestNames(picture);
    List<Reading.Found> objects = new ArrayList<>();
    int width = picture.getWidth();
    int height = picture.getHeight();
    for (SceneColor color : SceneColor.values()) {
      for (Region region : Region.takeAll(pixels(names, color))) {
        if (region.size() < MIN_AREA * width * height || region.extent() < MIN_EXTENT * height) {
          continue;
        }
        Reading.Found found = object(region, color, width, height);
        if (found.overlap() > MIN_OVERLAP) {
          objects.add(found);
        }
      }
    }
    return new Reading(background(names), objects);
  }

  private static boolean[][] pixels(Enum<?>[][] names, SceneColor color) {
    boolean[][] pixels = new boolean[names.length][names[0].length];
    for (int y = 0; y < names.length; y++) {
      for (int x = 0; x < names[y].length; x++) {
        pixels[y][x] = names[y][x] == color;
      }
    }
    return pixels;
  }

  private static Reading.Found object(Region region, SceneColor color, int width, int height) {
    boolean[][] mask = region.mask(CELLS);
    SceneShape best = null;
    double bestOverlap = -1;
    for (SceneShape shape : SceneShape.values()) {
      double overlap = overlap(mask, TEMPLATES.get(shape));
      if (overlap > bestOverlap) {
        best = shape;
        bestOverlap = overlap;
      }
    }
    return new Reading.Found(
        new Thing(best, color), region.centerX() / width, region.centerY() / height, bestOverlap);
  }

  private static double overlap(boolean[][] a, boolean[][] b) {
    int both = 0;
    int either = 0;
    for (int y = 0; y < CELLS; y++) {
      for (int x = 0; x < CELLS; x++) {
        both += a[y][x] && b[y][x] ? 1 : 0;
        either += a[y][x] || b[y][x] ? 1 : 0;
      }
    }
    return (double) both / either;
  }

  /** The background's colour that most of the border has. */
  private static SceneBackground background(Enum<?>[][] names) {
    int bottom = names.length - 1;
    int right = names[0].length - 1;
    int[] counts = new int[SceneBackground.values().length];
    for (int y = 0; y <= bottom; y++) {
      for (int x = 0; x <= right; x++) {
        boolean border = y == 0 || y == bottom || x == 0 || x == right;
        if (border && names[y][x] instanceof SceneBackground background) {
          counts[background.ordinal()]++;
        }
      }
    }
    SceneBackground best = SceneBackground.WHITE;
    for (SceneBackground background : SceneBackground.values()) {
      best = counts[background.ordinal()] > counts[best.ordinal()] ? background : best;
    }
    return best;
  }

  private static Enum<?>[][] nearestNames(BufferedImage picture) {
    Map<Enum<?>, Color> palette = palette();
    Enum<?>[][] names = new Enum<?>[picture.getHeight()][picture.getWidth()];
    for (int y = 0; y < picture.getHeight(); y++) {
      for (int x = 0; x < picture.getWidth(); x++) {
        names[y][x] = nearest(palette, picture.getRGB(x, y));
      }
    }
    return names;
  }

  private static Map<Enum<?>, Color> palette() {
    Map<Enum<?>, Color> palette = new LinkedHashMap<>();
    for (SceneColor color : SceneColor.values()) {
      palette.put(color, color.color());
    }
    for (SceneBackground background : SceneBackground.values()) {
      palette.put(background, background.color());
    }
    return palette;
  }

  private static Enum<?> nearest(Map<Enum<?>, Color> palette, int rgb) {
    Enum<?> best = null;
    int bestDistance = Integer.MAX_VALUE;
    for (Map.Entry<Enum<?>, Color> entry : palette.entrySet()) {
      int red = (rgb >> 16 & 0xFF) - entry.getValue().getRed();
      int green = (rgb >> 8 & 0xFF) - entry.getValue().getGreen();
      int blue = (rgb & 0xFF) - entry.getValue().getBlue();
      int distance = red * red + green * green + blue * blue;
      if (distance < bestDistance) {
        best = entry.getKey();
        bestDistance = distance;
      }
    }
    return best;
  }

  private static Map<SceneShape, boolean[][]> templates() {
    Map<SceneShape, boolean[][]> templates = new EnumMap<>(SceneShape.class);
    for (SceneShape shape : SceneShape.values()) {
      Shape outline = shape.fitted();
      boolean[][] template = new boolean[CELLS][CELLS];
      for (int y = 0; y < CELLS; y++) {
        for (int x = 0; x < CELLS; x++) {
          template[y][x] = outline.contains((x + 0.5) / CELLS, (y + 0.5) / CELLS);
        }
      }
      templates.put(shape, template);
    }
    return templates;
  }
}
