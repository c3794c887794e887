// Raw video to RGB, by GStreamer's own converter.
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/rgb.h"

#include <string>

#include "gst/guarded.h"

namespace vtok {
namespace {

// Maps a frame for as long as the result lives; null where the buffer is too small or cannot be mapped.
std::shared_ptr<GstVideoFrame> map(const GstVideoInfo &info, GstBuffer *buffer, GstMapFlags flags) {
  auto frame = std::make_unique<GstVideoFrame>();
  if (!gst_video_frame_map(frame.get(), &info, buffer, flags)) return nullptr;
  return {frame.release(), [](GstVideoFrame *mapped) {
            gst_video_frame_unmap(mapped);
            delete mapped;
          }};
}

RgbFrame rgb_frame(std::shared_ptr<GstVideoFrame> frame) {
  Picture picture;
  picture.rgb = static_cast<const uint8_t *>(GST_VIDEO_FRAME_PLANE_DATA(frame.get(), 0));
  picture.width = GST_VIDEO_FRAME_WIDTH(frame.get());
  picture.height = GST_VIDEO_FRAME_HEIGHT(frame.get());
  picture.stride = GST_VIDEO_FRAME_PLANE_STRIDE(frame.get(), 0);
  return {picture, std::move(frame)};
}

}  // namespace

RgbConverter::RgbConverter(const GstVideoInfo &in) : in_(in), converter_(nullptr, gst_video_converter_free) {
  gst_video_info_set_interlaced_format(&out_, GST_VIDEO_FORMAT_RGB, in.interlace_mode, in.width, in.height);
  out_.fps_n = in.fps_n;
  out_.fps_d = in.fps_d;
  out_.par_n = in.par_n;
  out_.par_d = in.par_d;
  if (GST_VIDEO_INFO_FORMAT(&in) == GST_VIDEO_FORMAT_RGB &&
      in.colorimetry.range != GST_VIDEO_COLOR_RANGE_16_235)
    return;
  converter_.reset(gst_video_converter_new(&in_, &out_, nullptr));
  if (!converter_)
    throw ElementError(wrong_caps(), std::string("video of format ") +
                                         gst_video_format_to_string(in.finfo->format) +
                                         " cannot be converted to RGB");
  pool_ = {gst_video_buffer_pool_new(), [](GstBufferPool *pool) {
             gst_buffer_pool_set_active(pool, FALSE);
             gst_object_unref(pool);
           }};
  GstCaps *caps = gst_video_info_to_caps(&out_);
  GstStructure *config = gst_buffer_pool_get_config(pool_.get());
  gst_buffer_pool_config_set_params(config, caps, guint(GST_VIDEO_INFO_SIZE(&out_)), 0, 0);
  gst_caps_unref(caps);
  if (!gst_buffer_pool_set_config(pool_.get(), config) || !gst_buffer_pool_set_active(pool_.get(), TRUE))
    throw std::runtime_error("no memory for RGB frames of " + std::to_string(in.width) + "x" +
                             std::to_string(in.height));
}

RgbFrame RgbConverter::convert(GstBuffer *buffer) const {
  auto source = map(in_, buffer, GST_MAP_READ);
  if (!source)
    throw BadTokens("a video frame of " + std::to_string(gst_buffer_get_size(buffer)) + " bytes is not " +
                    std::to_string(in_.width) + "x" + std::to_string(in_.height) + " " +
                    gst_video_format_to_string(in_.finfo->format) + ", which takes " +
                    std::to_string(GST_VIDEO_INFO_SIZE(&in_)));
  if (!converter_) return rgb_frame(std::move(source));
  GstBuffer *rgb = nullptr;
  if (gst_buffer_pool_acquire_buffer(pool_.get(), &rgb, nullptr) != GST_FLOW_OK)
    throw std::runtime_error("no memory for an RGB frame");
  auto target = map(out_, rgb, GST_MAP_WRITE);
  gst_buffer_unref(rgb);  // the mapped frame holds it
  if (!target) throw std::runtime_error("an RGB frame cannot be mapped");
  gst_video_converter_frame(converter_.get(), source.get(), target.get());
  return rgb_frame(std::move(target));
}

}  // namespace vtok
