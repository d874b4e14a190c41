/* sine and cosine for float32, of any magnitude, without a libc. Errors against the correctly rounded result are at most 3
 * ULP (tests/targets/mcu/test_float_math.py). */
#ifndef FLOAT_WAVE_H
#define FLOAT_WAVE_H

float sine(float x);
float cosine(float x);

#endif
