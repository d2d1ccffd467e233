package dev.blip3o.cli;

import dev.blip3o.Progress;
import dev.blip3o.ProgressListener;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.function.LongSupplier;

/**
 * Shows on standard error how a run comes along: a bar on a terminal, now and then a line
 * elsewhere. Where several pictures are on their way, lines are about any of them and the bar is
 * that of the first.
 *
 * <p>Used by one thread.
 */
public abstract class ProgressDisplay {
  private final PrintWriter err;
  private final LongSupplier nanos;
  private final NavigableSet<Integer> flying = new TreeSet<>();
  private long countStart;

  ProgressDisplay(PrintWriter err, LongSupplier nanos) {
    this.err = err;
    this.nanos = nanos;
  }

  /**
   * The display that fits.
   *
   * @param err where it goes; else only written to after {@link #clear}
   * @param quiet whether nothing is shown
   * @param terminal whether {@code err} can be drawn over
   * @param nanos a clock, as {@link System#nanoTime}
   */
  public static ProgressDisplay create(
      PrintWriter err, boolean quiet, boolean terminal, LongSupplier nanos) {
    if (quiet) {
      return new Silent(err, nanos);
    }
    return terminal ? new Bar(err, nanos) : new Lines(err, nanos);
  }

  /** Something without units begins, for example loading. */
  public abstract void begin(String what);

  /** Takes away what is drawn, so that other output can follow. */
  public abstract void clear();

  /** Shows one report. */
  abstract void show(Snapshot snapshot);

  /** A picture is on its way, counted from 1, of so many. */
  final Picture startPicture(int number, int numbers) {
    flying.add(number);
    return new Picture(number, numbers);
  }

  /** A picture is made. */
  final void endPicture(int number) {
    flying.remove(number);
  }

  /** Something else than pictures is counted from here on. */
  public final void startCounting() {
    countStart = now();
  }

  /**
   * So many units of something are done; it began when what was counted before was complete.
   *
   * @param title what is counted
   * @param index how many are done, from 1
   */
  public final void count(String title, int index, int count) {
    show(new Snapshot(title, index, count, now() - countStart, true));
    if (index == count) {
      countStart = now();
    }
  }

  /** Takes the reports of one picture. */
  final class Picture implements ProgressListener {
    private final int number;
    private final int numbers;
    private long stageStart = now();

    private Picture(int number, int numbers) {
      this.number = number;
      this.numbers = numbers;
    }

    /** Its work begins. */
    void begin() {
      stageStart = now();
    }

    @Override
    public void onProgress(Progress progress) {
      String stage = progress.stage().name().toLowerCase(Locale.ROOT);
      String title = numbers == 1 ? stage : "picture " + number + "/" + numbers + ": " + stage;
      boolean first = flying.isEmpty() || flying.first() == number;
      show(new Snapshot(title, progress.index(), progress.count(), now() - stageStart, first));
      if (progress.index() == progress.count()) {
        // The next stage begins here, not at its first report.
        stageStart = now();
      }
    }
  }

  final long now() {
    return nanos.getAsLong();
  }

  final PrintWriter err() {
    return err;
  }

  /**
   * One report.
   *
   * @param title for example {@code picture 2/5: tokens}
   * @param nanos since the stage began
   * @param first whether all pictures before this one are made
   */
  record Snapshot(String title, int index, int count, long nanos, boolean first) {
    boolean last() {
      return index == count;
    }

    String units() {
      return index + "/" + count;
    }

    /** How long the stage takes still, if each unit takes as long as those before. */
    long nanosLeft() {
      return nanos / index * (count - index);
    }
  }

  /** Shows nothing. */
  private static final class Silent extends ProgressDisplay {
    Silent(PrintWriter err, LongSupplier nanos) {
      super(err, nanos);
    }

    @Override
    public void begin(String what) {}

    @Override
    public void clear() {}

    @Override
    void show(Snapshot snapshot) {}
  }

  /** One line that is drawn over and over. */
  private static final class Bar extends ProgressDisplay {
    private static final int CELLS = 30;
    private static final long REDRAW_NANOS = 50_000_000;
    private static final long TRUSTED_NANOS = 1_000_000_000;
    private static final long WORTH_SAYING_NANOS = 2_000_000_000;
    private static final String CLEAR = "\r\u001B[K";

    private long drawn;
    private boolean visible;

    Bar(PrintWriter err, LongSupplier nanos) {
      super(err, nanos);
    }

    @Override
    public void begin(String what) {
      draw(what + " ...");
    }

    @Override
    public void clear() {
      if (visible) {
        err().print(CLEAR);
        err().flush();
        visible = false;
      }
    }

    @Override
    void show(Snapshot snapshot) {
      if (!snapshot.first()) {
        return;
      }
      boolean due = !visible || snapshot.index() == 1 || now() - drawn >= REDRAW_NANOS;
      if (due || snapshot.last()) {
        draw(line(snapshot));
      }
    }

    private static String line(Snapshot snapshot) {
      int full = (int) ((long) CELLS * snapshot.index() / snapshot.count());
      String bar = "#".repeat(full) + "-".repeat(CELLS - full);
      String left =
          snapshot.nanos() < TRUSTED_NANOS || snapshot.nanosLeft() < WORTH_SAYING_NANOS
              ? ""
              : "  " + snapshot.nanosLeft() / 1_000_000_000 + " s left";
      return String.format(
          Locale.ROOT, "%-6s [%s] %s%s", snapshot.title(), bar, snapshot.units(), left);
    }

    private void draw(String line) {
      err().print(CLEAR + line);
      err().flush();
      visible = true;
      drawn = now();
    }
  }

  /** A line at the end of each stage, and one every ten seconds of a long one. */
  private static final class Lines extends ProgressDisplay {
    private static final long EVERY_NANOS = 10_000_000_000L;

    private long printed;

    Lines(PrintWriter err, LongSupplier nanos) {
      super(err, nanos);
      printed = now();
    }

    @Override
    public void begin(String what) {
      print(what);
    }

    @Override
    public void clear() {}

    @Override
    void show(Snapshot snapshot) {
      if (snapshot.last() || now() - printed >= EVERY_NANOS) {
        print(snapshot.title() + " " + snapshot.units() + ", " + Text.seconds(snapshot.nanos()));
      }
    }

    private void print(String line) {
      err().println(line);
      err().flush();
      printed = now();
    }
  }
}
