#include "tools/explore/local_server.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdio>
#include <random>
#include <utility>

#include "dcgan/errors.h"

namespace dcgan::explore_tool {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr uint64_t kLargestBody = 4 << 20;  // bytes; ten thousand samples with some boxes each
constexpr auto kPatience = std::chrono::seconds(30);

/// 128 bits from the system, not from the seed: nobody may guess them.
std::string secret_word() {
  std::random_device random;
  std::string word;
  for (int i = 0; i < 4; ++i) {
    std::array<char, 9> digits{};
    std::snprintf(digits.data(), digits.size(), "%08x", static_cast<unsigned>(random()));
    word += digits.data();
  }
  return word;
}

/// Where a server listens and what it answers, as its connections know it.
struct Site {
  std::string port;
  std::string prefix;  ///< of every path, "/5f3a.../"
  LocalServer::Answer answer;

  Response answer_to(const http::request<http::string_body>& request) const {
    const std::string host(request[http::field::host]), target(request.target());
    if (host != "127.0.0.1:" + port && host != "localhost:" + port) {
      return {403, "text/plain; charset=utf-8", "This page is served as 127.0.0.1:" + port + " only.\n"};
    }
    if (target.compare(0, prefix.size(), prefix) != 0) {
      return {404, "text/plain; charset=utf-8", "Nothing is here; take the whole address that the program said.\n"};
    }
    return answer({std::string(request.method_string()), target.substr(prefix.size()), request.body()});
  }
};

/// One request and its answer; it owns itself as long as something is to come.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const Site& site) : stream_(std::move(socket)), site_(site) {
    parser_.body_limit(kLargestBody);
  }

  void start() {
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, parser_, [self = shared_from_this()](error_code error, size_t /*bytes*/) {
      if (!error) self->reply();
    });
  }

 private:
  void reply() {
    const Response answer = site_.answer_to(parser_.get());
    response_.result(static_cast<unsigned>(answer.status));
    response_.set(http::field::content_type, answer.type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("Referrer-Policy", "no-referrer");
    response_.set("Content-Security-Policy",
                  "default-src 'none'; img-src 'self'; connect-src 'self'; script-src 'unsafe-inline'; "
                  "style-src 'unsafe-inline'");
    response_.set("X-Content-Type-Options", "nosniff");
    response_.body() = answer.body;
    response_.keep_alive(false);
    response_.prepare_payload();
    http::async_write(stream_, response_, [self = shared_from_this()](error_code /*error*/, size_t /*bytes*/) {
      error_code gone;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, gone);
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request_parser<http::string_body> parser_;
  http::response<http::string_body> response_;
  const Site& site_;
};

}  // namespace

struct LocalServer::Connections {
  asio::io_context context;
  tcp::acceptor acceptor{context};
  Site site;
  std::string address;

  void accept() {
    acceptor.async_accept([this](error_code error, tcp::socket socket) {
      if (!error) std::make_shared<Connection>(std::move(socket), site)->start();
      accept();
    });
  }
};

LocalServer::LocalServer(int64_t port, Answer answer) : connections_(std::make_unique<Connections>()) {
  const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), static_cast<uint16_t>(port));
  tcp::acceptor& acceptor = connections_->acceptor;
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  // Connections of an earlier run that have not quite ended are in nobody's way; a program that listens is.
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    const bool used = error == asio::error::address_in_use;
    throw Error("port ", port, " of 127.0.0.1 ",
                used ? "is in use by another program" : "cannot be taken: ", used ? "" : error.message(),
                "; give --port another, or 0 for any that is free.");
  }
  connections_->site.port = std::to_string(acceptor.local_endpoint().port());
  connections_->site.prefix = "/" + secret_word() + "/";
  connections_->site.answer = std::move(answer);
  connections_->address = "http://127.0.0.1:" + connections_->site.port + connections_->site.prefix;
  connections_->accept();
}

LocalServer::~LocalServer() = default;

const std::string& LocalServer::address() const { return connections_->address; }

void LocalServer::run(const std::function<bool()>& done) {
  while (!done()) connections_->context.run_for(std::chrono::milliseconds(100));
  // The answer to the request that ended it is on its way.
  connections_->context.run_for(std::chrono::milliseconds(100));
}

}  // namespace dcgan::explore_tool
