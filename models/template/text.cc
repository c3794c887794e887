// Values of the template language as text: Python's str() and repr(), and json.dumps().
// SPDX-License-Identifier: LGPL-2.1-or-later
#include <charconv>
#include <cmath>
#include <cstdio>
#include <string_view>

#include "models/template/value.h"
#include "models/tokenizer/utf8.h"

namespace vtok::jinja {
namespace {

/// repr(float): the shortest digits that read back the same; an exponent below 1e-4 and from 1e16 on.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char text[64];
  const double size = std::fabs(value);
  const bool plain = size == 0 || (size >= 1e-4 && size < 1e16);
  const auto end = std::to_chars(text, text + sizeof text, value,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string digits(text, end.ptr);
  return plain && digits.find('.') == std::string::npos ? digits + ".0" : digits;
}

std::string escaped(const char *format, unsigned code) {
  char text[16];
  std::snprintf(text, sizeof text, format, code);
  return text;
}

/// Between quotes, as json.dumps() writes it or repr().
std::string quoted(const std::string &text, char quote, bool json) {
  const std::string_view short_forms = json ? "\n\r\t\b\f" : "\n\r\t";
  std::string out(1, quote);
  for (const char c : text) {
    if (const size_t at = short_forms.find(c); at != short_forms.npos)
      (out += '\\') += "nrtbf"[at];
    else if (c == '\\' || c == quote)
      (out += '\\') += c;
    else if (uint8_t(c) < 0x20 || (c == 0x7F && !json))
      out += escaped(json ? "\\u%04x" : "\\x%02x", uint8_t(c));
    else
      out += c;
  }
  return out + quote;
}

std::string json_quoted(const std::string &text) { return quoted(text, '"', true); }

std::string repr(const std::string &text) {
  const bool other = text.find('\'') != text.npos && text.find('"') == text.npos;
  return quoted(text, other ? '"' : '\'', false);
}

class Writer {
  Budget &budget_;
  const bool json_;
  const int indent_;  // < 0: on one line
  std::string out_;

  void put(const std::string &text) {
    budget_.spend(16 + text.size());
    out_ += text;
  }
  void line(int level) {
    if (indent_ >= 0) put("\n" + std::string(size_t(indent_) * size_t(level), ' '));
  }
  void separator() { put(indent_ >= 0 ? "," : ", "); }

 public:
  Writer(Budget &budget, bool json, int indent) : budget_(budget), json_(json), indent_(indent) {}

  void write(const Value &value, int level = 0) {
    if (value.is_undefined()) {
      if (json_) throw Problem("'" + value.undefined_name() + "' is undefined and cannot be written as JSON");
      put("Undefined");
    } else if (value.is_none()) {
      put(json_ ? "null" : "None");
    } else if (value.is_bool()) {
      put(json_ ? (value.boolean() ? "true" : "false") : (value.boolean() ? "True" : "False"));
    } else if (value.is_int()) {
      put(std::to_string(value.integer()));
    } else if (value.is_float()) {
      put(float_text(value.real()));
    } else if (value.is_string()) {
      put(json_ ? json_quoted(value.string()) : repr(value.string()));
    } else if (value.is_list()) {
      write_list(value, level);
    } else if (value.is_dict()) {
      write_dict(value, level);
    } else {
      throw Problem("cannot write " + std::string(value.type()) + " as text");
    }
  }

  void write_list(const Value &value, int level) {
    const bool tuple = value.is_tuple() && !json_;
    put(tuple ? "(" : "[");
    bool first = true;
    for (const Value &item : value.list()) {
      if (!first) separator();
      first = false;
      line(level + 1);
      write(item, level + 1);
    }
    if (tuple && value.list().size() == 1) put(",");
    if (!first) line(level);
    put(tuple ? ")" : "]");
  }

  void write_dict(const Value &value, int level) {
    put("{");
    bool first = true;
    for (const auto &[key, item] : value.dict()) {
      if (!first) separator();
      first = false;
      line(level + 1);
      put(json_ ? json_quoted(key) : repr(key));
      put(": ");
      write(item, level + 1);
    }
    if (!first) line(level);
    put("}");
  }

  std::string take() { return std::move(out_); }
};

}  // namespace

std::string to_text(const Value &value, Budget &budget) {
  if (value.is_undefined()) return "";
  if (value.is_string()) {
    budget.spend(value.string().size());
    return value.string();
  }
  Writer writer(budget, false, -1);
  writer.write(value);
  return writer.take();
}

std::string to_json(const Value &value, int indent, Budget &budget) {
  Writer writer(budget, true, indent);
  writer.write(value);
  return writer.take();
}

}  // namespace vtok::jinja
