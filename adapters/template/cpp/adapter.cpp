// An adapter for klconf: replace this function kl by your own call.
//
// kl gets P and Q and returns D(P‖Q); a std::domain_error is a refusal, any other exception an
// error. The rest is the protocol KLAP/1, on a little-endian machine. Standard output belongs to it:
// std::cout writes to standard error.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

static double kl(const std::vector<double> &p, const std::vector<double> &q) {  // what is graded
  double sum = 0;
  bool infinite = false, outside = false;
  for (std::size_t i = 0; i < p.size(); i++) {
    if (std::isnan(p[i]) || std::isnan(q[i])) return NAN;
    if (p[i] < 0 || q[i] < 0 || std::isinf(p[i]) || std::isinf(q[i])) outside = true;
    else if (p[i] > 0 && q[i] == 0) infinite = true;
    else if (p[i] > 0) sum += p[i] * (std::log(p[i]) - std::log(q[i]));
  }
  if (outside) throw std::domain_error("a weight is negative or infinite");
  return infinite ? INFINITY : sum;
}

// The value of a field, without quotation marks, or "". C++ has no JSON; the lines of the runner are
// simple enough for this.
static std::string field(const std::string &json, const std::string &name) {
  std::size_t at = json.find("\"" + name + "\":");
  if (at == std::string::npos) return "";
  at += name.size() + 3;
  if (json[at] == '"') return json.substr(at + 1, json.find('"', at + 1) - at - 1);
  if (json[at] == '[' || json[at] == '{') return json.substr(at, json.find(json[at] == '[' ? ']' : '}', at) + 1 - at);
  return json.substr(at, json.find_first_of(",}", at) - at);
}

static std::vector<double> vector(const std::string &buf) {
  static const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string data, bytes = field(buf, "bytes"), hex = field(buf, "hex");
  if (!bytes.empty()) {
    data.resize(std::stoull(bytes));
    std::cin.read(&data[0], std::streamsize(data.size()));
  } else if (!hex.empty()) {
    for (std::size_t at = 0; (at = hex.find('"', at)) != std::string::npos; at = hex.find('"', at + 1) + 1) {
      std::uint64_t word = std::strtoull(&hex[at + 1], nullptr, 16);
      data.append(reinterpret_cast<char *>(&word), 8);
    }
  } else {
    std::uint32_t bits = 0, have = 0;
    for (char c : field(buf, "b64")) {
      if (c == '=') break;
      bits = bits << 6 | std::uint32_t(digits.find(c));
      if ((have += 6) >= 8) data += char(bits >> (have -= 8));
    }
  }
  std::vector<double> x(data.size() / 8);
  if (!x.empty()) std::memcpy(&x[0], data.data(), 8 * x.size());
  return x;
}

static std::string answer(const std::string &m, const std::vector<std::vector<double>> &x, bool doubles) {
  const std::string op = field(m, "op"), options = field(m, "options");
  if (op == "hello") {
    return "\"status\":\"ok\",\"protocol\":1,\"name\":\"example\",\"version\":\"1\",\"language\":\"C++\",\"ops\":[\"kl\"],"
           "\"dtypes\":[\"f64\"],\"encodings\":[\"frame\",\"b64\",\"hex\"],\"deterministic\":true";
  }
  if (op == "bye") return "\"status\":\"ok\"";
  if (op != "kl" || x.size() != 2 || !doubles || options.size() > 2) {
    return "\"status\":\"unsupported\",\"message\":\"only kl of two f64 vectors, without options\"";
  }
  if (x[0].size() != x[1].size()) {
    return "\"status\":\"rejected\",\"kind\":\"length\",\"message\":\"" + std::to_string(x[0].size()) + " and " + std::to_string(x[1].size()) + " elements\"";
  }
  try {
    double d = kl(x[0], x[1]);
    std::uint64_t bits;
    std::memcpy(&bits, &d, 8);
    char text[120];
    std::snprintf(text, sizeof text, "\"status\":\"ok\",\"bufs\":[{\"name\":\"kl\",\"dtype\":\"f64\",\"shape\":[],\"hex\":[\"%016llx\"]}]", (unsigned long long)bits);
    return text;
  } catch (const std::exception &e) {
    std::string message = e.what();
    for (char &c : message) if (c == '"' || c == '\\' || (unsigned char)c < ' ') c = ' ';
    const char *status = dynamic_cast<const std::domain_error *>(&e) ? "rejected" : "error";
    return std::string("\"status\":\"") + status + "\",\"kind\":\"domain\",\"message\":\"" + message + "\"";
  }
}

int main() {
  std::FILE *out = fdopen(dup(1), "w");
  dup2(2, 1);
  std::ios::sync_with_stdio(false);
  for (std::string m; std::getline(std::cin, m);) {
    std::vector<std::vector<double>> x;
    bool doubles = true;
    for (std::size_t at = 0; (at = m.find("\"dtype\":", at)) != std::string::npos; at++) {
      std::size_t begin = m.rfind('{', at);
      const std::string buf = m.substr(begin, m.find('}', at) + 1 - begin);
      doubles = doubles && field(buf, "dtype") == "f64";
      x.push_back(vector(buf));
    }
    std::fprintf(out, "{\"id\":%s,%s}\n", field(m, "id").c_str(), answer(m, x, doubles).c_str());
    std::fflush(out);
    if (field(m, "op") == "bye") break;
  }
}
