/* An op resolver that counts what each operator takes.
 *
 * A release library has its own profiling compiled out, so every kernel that the interpreter asks for is handed out with
 * its `prepare` and `invoke` wrapped. Which operator it is follows from the order: models of one graph run theirs one after
 * the other, and operators inside a branch or a loop count as further ones. */
#ifndef TIMED_RESOLVER_H
#define TIMED_RESOLVER_H

#include <cstdint>

#include "tensorflow/lite/micro/micro_op_resolver.h"

namespace harness {

constexpr uint32_t kTimedOperators = 256; /* the rest of a longer model is counted in its total alone */

extern uint32_t operators_seen; /* since it was last set to 0 */
extern uint64_t operator_ticks[kTimedOperators];

/* Counts one call of a kernel; the inner ones of a control operator take their places after it. */
TfLiteStatus Counted(TfLiteStatus (*kernel)(TfLiteContext*, TfLiteNode*), TfLiteContext* context, TfLiteNode* node);

/* `kOperators`: how many kinds the inner resolver holds. A kernel is a plain function, so each kind has wrappers. */
template <unsigned kOperators>
class TimedResolver : public tflite::MicroOpResolver {
  public:
    explicit TimedResolver(const tflite::MicroOpResolver& inner) : inner_(inner) {}

    const TFLMRegistration* FindOp(tflite::BuiltinOperator op) const override { return Wrap(inner_.FindOp(op)); }
    const TFLMRegistration* FindOp(const char* name) const override { return Wrap(inner_.FindOp(name)); }
    tflite::TfLiteBridgeBuiltinParseFunction GetOpDataParser(tflite::BuiltinOperator op) const override {
        return inner_.GetOpDataParser(op);
    }

  private:
    using Kernel = TfLiteStatus (*)(TfLiteContext*, TfLiteNode*);

    template <unsigned kIndex>
    static TfLiteStatus Prepare(TfLiteContext* context, TfLiteNode* node) {
        operators_seen++;
        return originals_[kIndex]->prepare(context, node);
    }

    template <unsigned kIndex>
    static TfLiteStatus Invoke(TfLiteContext* context, TfLiteNode* node) {
        return Counted(originals_[kIndex]->invoke, context, node);
    }

    template <unsigned kIndex>
    static void Choose(unsigned index, TFLMRegistration* wrapped) {
        if constexpr (kIndex < kOperators) {
            if (index != kIndex) {
                return Choose<kIndex + 1>(index, wrapped);
            }
            wrapped->invoke = Invoke<kIndex>;
            if (wrapped->prepare != nullptr) {
                wrapped->prepare = Prepare<kIndex>;
            }
        }
    }

    static const TFLMRegistration* Wrap(const TFLMRegistration* original) {
        if (original == nullptr || original->invoke == nullptr) {
            return original;
        }
        unsigned index = 0;
        while (index < kOperators && originals_[index] != nullptr && originals_[index] != original) {
            index++;
        }
        if (index == kOperators) {
            return original;
        }
        if (originals_[index] == nullptr) {
            originals_[index] = original;
            wrapped_[index] = *original;
            Choose<0>(index, &wrapped_[index]);
        }
        return &wrapped_[index];
    }

    static inline const TFLMRegistration* originals_[kOperators];
    static inline TFLMRegistration wrapped_[kOperators];

    const tflite::MicroOpResolver& inner_;
};

}  // namespace harness

#endif
