// OpenCV: compareHist with HISTCMP_KL_DIV, of matrices with one row over the memory of the question.
#if !__has_include(<opencv2/imgproc.hpp>)
#error "the headers of OpenCV are not installed; in Debian: apt-get install libopencv-imgproc-dev"
#endif
#include <opencv2/imgproc.hpp>

#include "../c/klap.h"

static double kl(float *p, size_t n, float *q, size_t m) try {
  return cv::compareHist(cv::Mat(1, int(n), CV_32F, p), cv::Mat(1, int(m), CV_32F, q), cv::HISTCMP_KL_DIV);
} catch (const cv::Exception &e) {
  return klap_refuse(n == m ? "domain" : "length", "%s", e.what());
}

int main(int argc, char **argv) {
  static const klap_row table[] = {{"compareHist.HISTCMP_KL_DIV", "kl", NULL, NULL, kl}, {NULL, NULL, NULL, NULL, NULL}};
  klap_package("opencv", CV_VERSION);
  klap_package("gcc", __VERSION__);
  return klap_serve(argc, argv, table);
}
