// Passes over rows of the transformer's step, DIM numbers a row, each read once. One of them to a compilation: RESIDUAL,
// QUANTISE or RMS_ROTATE is defined, with its flags, THREADS of a block, BLOCKS of a processor and STAGES.
//
// A block takes every gridDim.x-th row of clip blockIdx.y. What belongs to a column (gate, shift, scale, weight) is in
// registers from the first row to the last: read anew for each row, it would be more than the row. Rows come through
// the copy engine, STAGES ahead of the one in work.
#include "hopper.cuh"

constexpr int WARPS = THREADS / 32;

// PTX

__device__ __forceinline__ void copy_bytes(u32 to, const void* from, u32 bytes, u32 bar) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(to), "l"(from), "r"(bytes),
               "r"(bar)
               : "memory");
}
__device__ __forceinline__ u32 add_bf16(u32 a, u32 b) {
  u32 y;
  asm("add.rn.bf16x2 %0, %1, %2;" : "=r"(y) : "r"(a), "r"(b));
  return y;
}
__device__ __forceinline__ u32 max_bf16(u32 a, u32 b) {
  u32 y;
  asm("max.bf16x2 %0, %1, %2;" : "=r"(y) : "r"(a), "r"(b));
  return y;
}

// Numbers

__device__ __forceinline__ float low(u32 pair) { return __uint_as_float(pair << 16); }
__device__ __forceinline__ float high(u32 pair) { return __uint_as_float(pair & 0xFFFF0000); }

// The whole number nearest to a * by is in the low byte: 1.5 * 2^23 is a float whose last bit is worth one. The product
// is rounded by itself, as the quotient is that it stands for: half a row's greatest number is half way between two.
__device__ __forceinline__ u32 whole(float a, float by) { return __float_as_uint(__fmul_rn(a, by) + 12582912.f); }
__device__ __forceinline__ u32 pack_int8(float a, float b, float c, float d, float by) {
  const u32 ab = __byte_perm(whole(a, by), whole(b, by), 0x0040), cd = __byte_perm(whole(c, by), whole(d, by), 0x0040);
  return __byte_perm(ab, cd, 0x5410);
}

struct Step {
  float size, inverse;
  __device__ explicit Step(float most) : size(fmaxf(most / 127.f, 1e-12f)), inverse(1.f / size) {}
};

// Rows

// Each thread has every THREADS-th chunk of WIDE columns.
template <int WIDE> struct Chunks {
  static constexpr int ALL = DIM / WIDE, EACH = (ALL + THREADS - 1) / THREADS;
  static __device__ u32 at(int i) { return i * THREADS + threadIdx.x; }
  static __device__ bool has(int i) { return (i + 1) * THREADS <= ALL || at(i) < ALL; }
};

// Of a whole block, in all its threads. It passes one barrier; its two halves take turns, since a slow warp may still
// read of the one before.
struct Reduction {
  static constexpr int ROOM = (WARPS + 3) / 4 * 4;
  u32* parts;
  int turn = 0;

  template <class Join> __device__ u32 gather(u32 of_warp, Join join) {
    u32* half = parts + turn * ROOM;
    turn ^= 1;
    if (threadIdx.x % 32 == 0) half[threadIdx.x / 32] = of_warp;
    __syncthreads();
    u32 all = half[0];
#pragma unroll
    for (int warp = 1; warp < WARPS; warp++) all = join(all, half[warp]);
    return all;
  }
  __device__ float sum(float value) {
#pragma unroll
    for (int apart = 16; apart; apart /= 2) value += __shfl_xor_sync(~0u, value, apart);
    return __uint_as_float(
        gather(__float_as_uint(value), [](u32 a, u32 b) { return __float_as_uint(__uint_as_float(a) + __uint_as_float(b)); }));
  }
  // Of numbers that are not negative: their bits are in their order.
  __device__ float max(float value) {
    return __uint_as_float(gather(__reduce_max_sync(~0u, __float_as_uint(value)), [](u32 a, u32 b) { return a > b ? a : b; }));
  }
};

// Rows of some tensors on their way to shared memory, one behind the other in a slot.
template <int TENSORS> struct Ring {
  const void* first[TENSORS];  // the clip's row 0
  u32 bytes[TENSORS];          // of a row
  int rows;
  u8* slots;
  u64* barriers;
  int slot = 0;
  u32 phase = 0;

  __device__ u32 slot_bytes() const {
    u32 all = 0;
#pragma unroll
    for (int tensor = 0; tensor < TENSORS; tensor++) all += bytes[tensor];
    return all;
  }
  __device__ void start() {
    if (threadIdx.x == 0) {
      for (int each = 0; each < STAGES; each++) barrier_init(shared_address(barriers + each), 1);
      barriers_ready();
    }
    __syncthreads();
    for (int each = 0; each < STAGES; each++) fetch(blockIdx.x + each * gridDim.x, each);
  }
  __device__ void fetch(int row, int into) const {
    if (threadIdx.x != 0 || row >= rows) return;
    const u32 bar = shared_address(barriers + into);
    u32 to = shared_address(slots) + into * slot_bytes();
    barrier_expect(bar, slot_bytes());
#pragma unroll
    for (int tensor = 0; tensor < TENSORS; tensor++) {
      copy_bytes(to, (const u8*)first[tensor] + (u64)row * bytes[tensor], bytes[tensor], bar);
      to += bytes[tensor];
    }
  }
  __device__ const u8* wait() const {
    barrier_wait(shared_address(barriers + slot), phase);
    return slots + slot * slot_bytes();
  }
  // After a barrier behind the last reading of the slot.
  __device__ void refill(int row) {
    fetch(row + STAGES * gridDim.x, slot);
    if (++slot == STAGES) slot = 0, phase ^= 1;
  }
};

#define WORK_SPACE                                         \
  extern __shared__ __align__(128) u8 slots[];             \
  __shared__ u64 barriers[STAGES];                         \
  __shared__ __align__(16) u32 parts[2 * Reduction::ROOM]; \
  Reduction reduction{parts};

#ifdef RESIDUAL
// x += y * gate in place; out = LN(x) * (1 + scale) + shift, or * scale + shift if AFFINE. INT8: out as int8, its step in
// out_scale. ADDS and GATED say what of the sum is done. x (B, tokens, DIM) float32, y and out bfloat16.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    residual(float* x, const u8* y, const float4* gate, const float4* shift, const float4* scale, u8* out, float* out_scale, int tokens,
             float eps) {
  WORK_SPACE
  using Mine = Chunks<4>;
  const u64 of_clip = (u64)blockIdx.y * tokens;

  float4 gates[Mine::EACH], shifts[Mine::EACH], factors[Mine::EACH];
#pragma unroll
  for (int i = 0; i < Mine::EACH; i++) {
    if (!Mine::has(i)) continue;
    const int own = blockIdx.y * Mine::ALL + Mine::at(i), shared = AFFINE ? Mine::at(i) : own;
    if (GATED) gates[i] = gate[own];
    const float4 f = scale[shared];
    shifts[i] = shift[shared];
    factors[i] = AFFINE ? f : float4{1 + f.x, 1 + f.y, 1 + f.z, 1 + f.w};
  }

  Ring<1 + ADDS> ring{{x + of_clip * DIM}, {4 * DIM}, tokens, slots, barriers};
  if (ADDS) ring.first[ADDS] = y + of_clip * DIM * 2, ring.bytes[ADDS] = 2 * DIM;
  ring.start();
  for (int token = blockIdx.x; token < tokens; token += gridDim.x) {
    const u64 row = of_clip + token;
    const u8* slot = ring.wait();
    float4 v[Mine::EACH];
    float sum = 0;
#pragma unroll
    for (int i = 0; i < Mine::EACH; i++) {
      if (!Mine::has(i)) continue;
      v[i] = ((const float4*)slot)[Mine::at(i)];
      if (ADDS) {
        const uint2 add = ((const uint2*)(slot + 4 * DIM))[Mine::at(i)];
        const float4 g = GATED ? gates[i] : float4{1, 1, 1, 1};
        v[i].x += low(add.x) * g.x, v[i].y += high(add.x) * g.y, v[i].z += low(add.y) * g.z, v[i].w += high(add.y) * g.w;
        ((float4*)x)[row * Mine::ALL + Mine::at(i)] = v[i];
      }
      sum += (v[i].x + v[i].y) + (v[i].z + v[i].w);
    }
    const float mean = reduction.sum(sum) * (1.f / DIM);
    ring.refill(token);
    float squares = 0;
#pragma unroll
    for (int i = 0; i < Mine::EACH; i++) {
      if (!Mine::has(i)) continue;
      v[i].x -= mean, v[i].y -= mean, v[i].z -= mean, v[i].w -= mean;
      squares += v[i].x * v[i].x + v[i].y * v[i].y + v[i].z * v[i].z + v[i].w * v[i].w;
    }
    const float by = rsqrtf(reduction.sum(squares) * (1.f / DIM) + eps);
    float most = 0;
#pragma unroll
    for (int i = 0; i < Mine::EACH; i++) {
      if (!Mine::has(i)) continue;
      const float4 f = factors[i], s = shifts[i];
      v[i] = {v[i].x * by * f.x + s.x, v[i].y * by * f.y + s.y, v[i].z * by * f.z + s.z, v[i].w * by * f.w + s.w};
      if (INT8)
        most = fmaxf(fmaxf(fmaxf(most, fabsf(v[i].x)), fmaxf(fabsf(v[i].y), fabsf(v[i].z))), fabsf(v[i].w));
      else
        ((uint2*)out)[row * Mine::ALL + Mine::at(i)] = {pack_bf16(v[i].x, v[i].y), pack_bf16(v[i].z, v[i].w)};
    }
    if (INT8) {
      const Step step(reduction.max(most));
      if (threadIdx.x == 0) out_scale[row] = step.size;
#pragma unroll
      for (int i = 0; i < Mine::EACH; i++) {
        if (!Mine::has(i)) continue;
        ((u32*)out)[row * Mine::ALL + Mine::at(i)] = pack_int8(v[i].x, v[i].y, v[i].z, v[i].w, step.inverse);
      }
    }
  }
}
#endif

#ifdef QUANTISE
// A row of x as int8, and the step that its values are multiples of. ADDS: of x + y, rounded to bfloat16.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    quantise(const u8* x, const u8* y, uint2* out, float* out_scale, int rows) {
  WORK_SPACE
  using Mine = Chunks<8>;
  Ring<1 + ADDS> ring{{x}, {2 * DIM}, rows, slots, barriers};
  if (ADDS) ring.first[ADDS] = y, ring.bytes[ADDS] = 2 * DIM;
  ring.start();
  for (int row = blockIdx.x; row < rows; row += gridDim.x) {
    const u8* slot = ring.wait();
    uint4 v[Mine::EACH];
    u32 pair = 0;
#pragma unroll
    for (int i = 0; i < Mine::EACH; i++) {
      if (!Mine::has(i)) continue;
      v[i] = ((const uint4*)slot)[Mine::at(i)];
      if (ADDS) {
        const uint4 o = ((const uint4*)(slot + 2 * DIM))[Mine::at(i)];
        v[i] = {add_bf16(v[i].x, o.x), add_bf16(v[i].y, o.y), add_bf16(v[i].z, o.z), add_bf16(v[i].w, o.w)};
      }
      const u32 magnitude = 0x7FFF7FFF;
      const u32 front = max_bf16(v[i].x & magnitude, v[i].y & magnitude), back = max_bf16(v[i].z & magnitude, v[i].w & magnitude);
      pair = max_bf16(pair, max_bf16(front, back));
    }
    const Step step(reduction.max(fmaxf(low(pair), high(pair))));
    ring.refill(row);
    if (threadIdx.x == 0) out_scale[row] = step.size;
#pragma unroll
    for (int i = 0; i < Mine::EACH; i++) {
      if (!Mine::has(i)) continue;
      out[(u64)row * Mine::ALL + Mine::at(i)] = {
          pack_int8(low(v[i].x), high(v[i].x), low(v[i].y), high(v[i].y), step.inverse),
          pack_int8(low(v[i].z), high(v[i].z), low(v[i].w), high(v[i].w), step.inverse),
      };
    }
  }
}
#endif

#ifdef RMS_ROTATE
__device__ __forceinline__ u32 turned(u32 pair, float c, float s) {
  return pack_bf16(low(pair) * c - high(pair) * s, low(pair) * s + high(pair) * c);
}

// A row of all heads: x / rms(x) * weight, and if it ROTATES, its pairs turned by the token's angles, HALF pairs a head.
extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
    rms_rotate(const u8* x, const float4* weight, const float* cos, const float* sin, uint4* out, int tokens, float eps) {
  WORK_SPACE
  using Mine = Chunks<8>;
  const u64 of_clip = (u64)blockIdx.y * tokens;
  float4 front[Mine::EACH], back[Mine::EACH];
#pragma unroll
  for (int i = 0; i < Mine::EACH; i++)
    if (Mine::has(i)) front[i] = weight[2 * Mine::at(i)], back[i] = weight[2 * Mine::at(i) + 1];

  Ring<1 + 2 * ROTATES> ring{{x + of_clip * DIM * 2}, {2 * DIM}, tokens, slots, barriers};
  if (ROTATES) {
    ring.first[ROTATES] = cos, ring.first[2 * ROTATES] = sin;
    ring.bytes[ROTATES] = ring.bytes[2 * ROTATES] = 4 * HALF;
  }
  ring.start();
  for (int token = blockIdx.x; token < tokens; token += gridDim.x) {
    const u8* slot = ring.wait();
    uint4 v[Mine::EACH];
    float4 c[Mine::EACH], s[Mine::EACH];
    float squares = 0;
#pragma unroll
    for (int i = 0; i < Mine::EACH; i++) {
      if (!Mine::has(i)) continue;
      v[i] = ((const uint4*)slot)[Mine::at(i)];
      if (ROTATES) {
        const int pairs = Mine::at(i) % (HALF / 4);
        c[i] = ((const float4*)(slot + 2 * DIM))[pairs], s[i] = ((const float4*)(slot + 2 * DIM + 4 * HALF))[pairs];
      }
      squares += low(v[i].x) * low(v[i].x) + high(v[i].x) * high(v[i].x) + low(v[i].y) * low(v[i].y) + high(v[i].y) * high(v[i].y);
      squares += low(v[i].z) * low(v[i].z) + high(v[i].z) * high(v[i].z) + low(v[i].w) * low(v[i].w) + high(v[i].w) * high(v[i].w);
    }
    const float by = rsqrtf(reduction.sum(squares) * (1.f / DIM) + eps);
    ring.refill(token);
#pragma unroll
    for (int i = 0; i < Mine::EACH; i++) {
      if (!Mine::has(i)) continue;
      // the norm's result is bfloat16, and so is what is turned
      const float4 f = front[i], b = back[i];
      uint4 n = {
          pack_bf16(low(v[i].x) * by * f.x, high(v[i].x) * by * f.y), pack_bf16(low(v[i].y) * by * f.z, high(v[i].y) * by * f.w),
          pack_bf16(low(v[i].z) * by * b.x, high(v[i].z) * by * b.y), pack_bf16(low(v[i].w) * by * b.z, high(v[i].w) * by * b.w),
      };
      if (ROTATES) n = {turned(n.x, c[i].x, s[i].x), turned(n.y, c[i].y, s[i].y), turned(n.z, c[i].z, s[i].z), turned(n.w, c[i].w, s[i].w)};
      out[(of_clip + token) * Mine::ALL + Mine::at(i)] = n;
    }
  }
}
#endif
