package dev.blip3o.training.scenes;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/** Pixels of one colour that hang together by their sides. */
final class Region {
  private final List<int[]> pixels = new ArrayList<>();
  private int left = Integer.MAX_VALUE;
  private int top = Integer.MAX_VALUE;
  private int right = -1;
  private int bottom = -1;

  private Region() {}

  /** All regions of the pixels {@code open[y][x]}, which are closed on the way. */
  static List<Region> takeAll(boolean[][] open) {
    List<Region> regions = new ArrayList<>();
    for (int y = 0; y < open.length; y++) {
      for (int x = 0; x < open[y].length; x++) {
        if (open[y][x]) {
          regions.add(flood(open, x, y));
        }
      }
    }
    return regions;
  }

  private static Region flood(boolean[][] open, int startX, int startY) {
    Region region = new Region();
    Deque<int[]> border = new ArrayDeque<>();
    take(open, startX, startY, border);
    while (!border.isEmpty()) {
      int[] pixel = border.pop();
      region.add(pixel);
      take(open, pixel[0] + 1, pixel[1], border);
      take(open, pixel[0] - 1, pixel[1], border);
      take(open, pixel[0], pixel[1] + 1, border);
      take(open, pixel[0], pixel[1] - 1, border);
    }
    return region;
  }

  private static void take(boolean[][] open, int x, int y, Deque<int[]> border) {
    if (y >= 0 && y < open.length && x >= 0 && x < open[y].length && open[y][x]) {
      open[y][x] = false;
      border.push(new int[] {x, y});
    }
  }

  private void add(int[] pixel) {
    pixels.add(pixel);
    left = Math.min(left, pixel[0]);
    right = Math.max(right, pixel[0]);
    top = Math.min(top, pixel[1]);
    bottom = Math.max(bottom, pixel[1]);
  }

  int size() {
    return pixels.size();
  }

  /** The shorter side of the bounding box, less one. */
  int extent() {
    return Math.min(right - left, bottom - top);
  }

  double centerX() {
    return (left + right) / 2.0;
  }

  double centerY() {
    return (top + bottom) / 2.0;
  }

  /**
   * The bounding box's content as {@code n} times {@code n} cells: those that the region covers by
   * half.
   */
  boolean[][] mask(int n) {
    double[][] covered = new double[n][n];
    double cellWidth = (right - left + 1.0) / n;
    double cellHeight = (bottom - top + 1.0) / n;
    for (int[] pixel : pixels) {
      spread(
          covered,
          (pixel[0] - left) / cellWidth,
          1 / cellWidth,
          (pixel[1] - top) / cellHeight,
          1 / cellHeight);
    }
    boolean[][] mask = new boolean[n][n];
    for (int y = 0; y < n; y++) {
      for (int x = 0; x < n; x++) {
        mask[y][x] = covered[y][x] >= 0.5;
      }
    }
    return mask;
  }

  /** Adds to each cell the share of it that the rectangle covers. */
  private static void spread(double[][] covered, double x, double width, double y, double height) {
    int n = covered.length;
    for (int row = (int) y; row < Math.min(n, y + height); row++) {
      double rows = Math.min(row + 1, y + height) - Math.max(row, y);
      for (int column = (int) x; column < Math.min(n, x + width); column++) {
        double columns = Math.min(column + 1, x + width) - Math.max(column, x);
        covered[row][column] += rows * columns;
      }
    }
  }
}
