// HEIC, the photos of phones: libheif as WebAssembly, loaded when the first one is met.
import { assertPixels, damagedImage, unreadKind } from '../decode-error.js';
import { openImageModule } from './wasm.js';
import type { Picture } from '../source.js';
import { mediaBrands, type PictureDecoder } from './decoder.js';
import type { Heif } from 'libheif-js/libheif-wasm/libheif-bundle.js';

const brands = ['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1'];

export const heicDecoder: PictureDecoder = {
  kind: 'HEIC',
  extensions: ['.heic', '.heif'],
  matches: (head) => {
    const found = mediaBrands(head);
    return brands.includes(found[0]) && !found.includes('avif');
  },
  decode: async (bytes, { limitInputPixels }) =>
    load.use(damagedImage('HEIC', bytes), (heif) => decode(heif, bytes, limitInputPixels)),
};

const load = openImageModule<Heif>(async () => {
  const { default: create } = await import('libheif-js/libheif-wasm/libheif-bundle.js');
  return create();
});

/** The primary image, turned and mirrored as the file says. Its values are taken for sRGB. */
function decode(heif: Heif, bytes: Uint8Array, limit: number): Picture {
  const context = heif.heif_context_alloc();
  try {
    const read = heif.heif_context_read_from_memory(context, bytes);
    if (read.code !== heif.heif_error_code.heif_error_Ok) throw damagedImage('HEIC', bytes, read.message);
    const handle = heif.heif_js_context_get_primary_image_handle(context);
    if ('code' in handle) throw damagedImage('HEIC', bytes, handle.message);
    try {
      assertPixels(heif.heif_image_handle_get_width(handle), heif.heif_image_handle_get_height(handle), limit);
      const { heif_colorspace_RGB: rgb } = heif.heif_colorspace;
      const { heif_chroma_interleaved_RGB: interleaved } = heif.heif_chroma;
      const decoded = heif.heif_js_decode_image2(handle, rgb, interleaved);
      if ('code' in decoded) throw damagedImage('HEIC', bytes, decoded.message);
      try {
        const plane = decoded.channels.find(({ bits_per_pixel: bits }) => bits === 8);
        if (plane === undefined) throw unreadKind('a HEIC of more than 8 bits a channel');
        return withoutPadding(plane);
      } finally {
        heif.heif_image_release(decoded.image);
      }
    } finally {
      heif.heif_image_handle_release(handle);
    }
  } finally {
    heif.heif_context_free(context);
  }
}

/** Rows of a plane may be longer than the picture is wide. */
function withoutPadding(plane: { width: number; height: number; stride: number; data: Uint8Array }): Picture {
  const { width, height, stride } = plane;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    data.set(plane.data.subarray(y * stride, y * stride + width * 3), y * width * 3);
  }
  return { width, height, data };
}
