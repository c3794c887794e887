"""A camera on the network: plays videos over RTSP, one after the other for ever. A program of its own, so that it can die.

  rtsp_server.py PORT [--h264] VIDEO...

Prints its address once it serves; PORT 0: any that is free. Motion JPEG of what the videos show, or, with --h264, what MP4
files hold as it is. Who connects sees what the camera sees now. Commands on standard input, a line each: "stall" (nothing is
sent any more), "go" (it is), "rate N" (N times as fast), "size W H" (the next video begins, in that size: not with --h264).
"""
# SPDX-License-Identifier: LGPL-2.1-or-later
import argparse
import pathlib
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

PATH = "/camera"
JPEG = ("decodebin ! videoconvert ! videoscale ! video/x-raw,format=I420", "jpegenc ! rtpjpegpay pt=26")
H264 = ("qtdemux ! video/x-h264", "rtph264pay config-interval=-1 pt=96")


class Camera:
    def __init__(self, port, videos, kind):
        self.videos, self.decode, pay = [pathlib.Path(v) for v in videos], kind[0], kind[1]
        self.clients, self.playing, self.rate, self.stalled, self.shown, self.size = {}, None, 1.0, False, -1, ""
        self.server = GstRtspServer.RTSPServer(address="127.0.0.1", service=str(port))
        factory = GstRtspServer.RTSPMediaFactory(
            shared=True, launch=f"( appsrc name=frames is-live=true format=time max-buffers=50 leaky-type=downstream ! {pay} name=pay0 )")
        factory.connect("media-configure", self.configure)
        self.server.get_mount_points().add_factory(PATH, factory)
        self.server.attach(None)
        self.next()

    def configure(self, _, media):
        source = media.get_element().get_by_name("frames")
        self.clients[media] = [source, None]  # and what makes a video's time its pipeline's
        media.connect("unprepared", lambda m: self.clients.pop(m, None))

    def next(self):
        if self.playing:
            self.playing.set_state(Gst.State.NULL)
        self.shown = (self.shown + 1) % len(self.videos)
        self.playing = Gst.parse_launch(f"filesrc name=file ! {self.decode}{self.size} ! appsink name=out max-buffers=2 emit-signals=true")
        self.playing.get_by_name("file").props.location = str(self.videos[self.shown])
        self.playing.get_by_name("out").connect("new-sample", self.send)
        bus = self.playing.get_bus()
        bus.add_signal_watch()
        bus.connect("message::eos", lambda *_: self.next())
        bus.connect("message::error", lambda _, m: sys.exit(m.parse_error()[0].message))
        for entry in self.clients.values():
            entry[1] = None
        self.playing.set_state(Gst.State.PAUSED)
        self.playing.get_state(10 * Gst.SECOND)
        self.set_rate(self.rate)

    def set_rate(self, rate):
        self.rate = rate
        position = max(self.playing.query_position(Gst.Format.TIME)[1], 0)
        if rate != 1:
            self.playing.seek(rate, Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, Gst.SeekType.SET, position,
                              Gst.SeekType.NONE, 0)
        for entry in self.clients.values():
            entry[1] = None
        self.playing.set_state(Gst.State.PAUSED if self.stalled else Gst.State.PLAYING)

    def send(self, sink):
        sample = sink.emit("pull-sample")
        buffer = sample.get_buffer()
        at = buffer.pts if buffer.dts == Gst.CLOCK_TIME_NONE else buffer.dts
        for entry in list(self.clients.values()):
            source, began = entry
            clock = source.get_clock()
            if source.get_state(0)[1] != Gst.State.PLAYING or not clock:
                continue
            if began is None:
                began = entry[1] = clock.get_time() - source.get_base_time() - int(at / self.rate)
            sent = buffer.copy()
            sent.pts, sent.duration = int(buffer.pts / self.rate) + began, Gst.CLOCK_TIME_NONE
            if buffer.dts != Gst.CLOCK_TIME_NONE:
                sent.dts = int(buffer.dts / self.rate) + began
            source.emit("push-sample", Gst.Sample.new(sent, sample.get_caps(), None, None))
        return Gst.FlowReturn.OK

    def obey(self, channel, _):
        words = channel.readline().split()
        if not words:
            sys.exit()  # who started it is gone
        if words[0] in ("stall", "go"):
            self.stalled = words[0] == "stall"
            for entry in self.clients.values():
                entry[1] = None
            self.playing.set_state(Gst.State.PAUSED if self.stalled else Gst.State.PLAYING)
        elif words[0] == "rate":
            self.set_rate(float(words[1]))
        elif words[0] == "size":
            self.size = f",width={words[1]},height={words[2]}"
            self.next()
        else:
            sys.exit(f"unknown command {words[0]}")
        return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("--h264", action="store_true")
    parser.add_argument("videos", nargs="+")
    args = parser.parse_args()
    Gst.init(None)
    camera = Camera(args.port, args.videos, H264 if args.h264 else JPEG)
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, camera.obey)
    print(f"rtsp://127.0.0.1:{camera.server.get_bound_port()}{PATH}", flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
