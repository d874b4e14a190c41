/* RESIZE_BILINEAR. Which two rows or columns a place lies between, and how far, is in tables made by the planner. */
#include "fixed_point.h"
#include "geometry.h"
#include "kernels.h"
#include "steps_movement.h"

#define FRACTION_BITS 10
/* Outside the image a fraction may leave [0, 1) by a half; with these limits no sum leaves int32. */
#define FRACTION_LOWEST (-1024)
#define FRACTION_HIGHEST 2047

struct resize_view {
    const void *input;
    void *output;
    const void *rows;    /* of the type's interpolation */
    const void *columns; /* likewise */
    int32_t row_elements;
    uint32_t image_elements;
};

/* Both types' interpolations begin with the two places and are of one size. */
static bool places_valid(const void *table, int32_t count, int32_t size) {
    _Static_assert(sizeof(struct plan_interpolation_int8) == sizeof(struct plan_interpolation_float), "one size");
    const struct plan_interpolation_int8 *places = table;
    for (int32_t i = 0; i < count; i++) {
        if (places[i].lower < 0 || places[i].lower >= size || places[i].upper < 0 || places[i].upper >= size) {
            return false;
        }
    }
    return true;
}

static enum plan_status bind_resize(const struct execution *execution, const struct plan_resize *image,
                             uint32_t element_bytes, struct resize_view *view) {
    if (!dimensions_valid(&image->batches, 6)) {
        return PLAN_BAD_GEOMETRY;
    }
    uint32_t batch_bytes = saturating_product((uint32_t)image->batches, element_bytes);
    uint32_t pixels = (uint32_t)image->output_height * (uint32_t)image->output_width;
    uint32_t output_elements = saturating_product(pixels, (uint32_t)image->channels);
    view->row_elements = image->input_width * image->channels;
    view->image_elements = saturating_product((uint32_t)image->input_height, (uint32_t)view->row_elements);
    view->input =
        plan_read(execution, image->input, saturating_product(batch_bytes, view->image_elements), element_bytes);
    view->output =
        plan_write(execution, image->output, saturating_product(batch_bytes, output_elements), element_bytes);
    view->rows = plan_constant(execution, image->rows,
                               (uint32_t)image->output_height * sizeof(struct plan_interpolation_int8), 4);
    view->columns = plan_constant(execution, image->columns,
                                  (uint32_t)image->output_width * sizeof(struct plan_interpolation_int8), 4);
    if (view->input == NULL || view->output == NULL || view->rows == NULL || view->columns == NULL) {
        return PLAN_OUT_OF_BOUNDS;
    }
    return places_valid(view->rows, image->output_height, image->input_height) &&
                   places_valid(view->columns, image->output_width, image->input_width)
               ? PLAN_OK
               : PLAN_BAD_GEOMETRY;
}

static bool fractions_valid(const struct plan_interpolation_int8 *table, int32_t count) {
    for (int32_t i = 0; i < count; i++) {
        if (table[i].fraction < FRACTION_LOWEST || table[i].fraction > FRACTION_HIGHEST) {
            return false;
        }
    }
    return true;
}

/* Halves away from zero. */
static int8_t interpolate_pixel(int32_t upper_left, int32_t lower_left, int32_t upper_right, int32_t lower_right, int32_t y,
                          int32_t x) {
    const int32_t one = 1 << FRACTION_BITS;
    int32_t sum = upper_left * (one - y) * (one - x) + lower_left * y * (one - x) + upper_right * (one - y) * x +
                  lower_right * y * x;
    int32_t half = 1 << (2 * FRACTION_BITS - 1);
    return (int8_t)clamp((sum + (sum > 0 ? half : -half)) / (1 << 2 * FRACTION_BITS), INT8_MIN, INT8_MAX);
}

enum plan_status run_resize_int8(const struct execution *execution, const void *raw) {
    const struct resize_int8_step *step = raw;
    const struct plan_resize *image = &step->image;
    struct resize_view view;
    enum plan_status status = bind_resize(execution, image, sizeof(int8_t), &view);
    if (status != PLAN_OK) {
        return status;
    }
    const int8_t *input = view.input;
    int8_t *output = view.output;
    const struct plan_interpolation_int8 *rows = view.rows;
    const struct plan_interpolation_int8 *columns = view.columns;
    if (!fractions_valid(rows, image->output_height) || !fractions_valid(columns, image->output_width)) {
        return PLAN_BAD_GEOMETRY;
    }
    int32_t channels = image->channels;
    for (int32_t batch = 0; batch < image->batches; batch++) {
        for (int32_t y = 0; y < image->output_height; y++) {
            const int8_t *upper = input + rows[y].lower * view.row_elements;
            const int8_t *lower = input + rows[y].upper * view.row_elements;
            for (int32_t x = 0; x < image->output_width; x++) {
                int32_t left = columns[x].lower * channels;
                int32_t right = columns[x].upper * channels;
                for (int32_t c = 0; c < channels; c++) {
                    *output++ = interpolate_pixel(upper[left + c], lower[left + c], upper[right + c], lower[right + c],
                                            rows[y].fraction, columns[x].fraction);
                }
            }
        }
        input += view.image_elements;
    }
    return PLAN_OK;
}

enum plan_status run_resize_float(const struct execution *execution, const void *raw) {
    const struct resize_float_step *step = raw;
    const struct plan_resize *image = &step->image;
    struct resize_view view;
    enum plan_status status = bind_resize(execution, image, sizeof(float), &view);
    if (status != PLAN_OK) {
        return status;
    }
    const float *input = view.input;
    float *output = view.output;
    const struct plan_interpolation_float *rows = view.rows;
    const struct plan_interpolation_float *columns = view.columns;
    int32_t channels = image->channels;
    for (int32_t batch = 0; batch < image->batches; batch++) {
        for (int32_t y = 0; y < image->output_height; y++) {
            const float *upper = input + rows[y].lower * view.row_elements;
            const float *lower = input + rows[y].upper * view.row_elements;
            float down = rows[y].fraction;
            for (int32_t x = 0; x < image->output_width; x++) {
                int32_t left = columns[x].lower * channels;
                int32_t right = columns[x].upper * channels;
                float across = columns[x].fraction;
                for (int32_t c = 0; c < channels; c++) {
                    /* The zero is the reference's: it turns a negative zero into a positive one. */
                    *output++ = upper[left + c] * (1.0f - down) * (1.0f - across) +
                                lower[left + c] * down * (1.0f - across) +
                                upper[right + c] * (1.0f - down) * across + lower[right + c] * down * across + 0.0f;
                }
            }
        }
        input += view.image_elements;
    }
    return PLAN_OK;
}
