/** Pictures for an assistant: made small enough to be kept in a story, as addresses of data. */

/** The longer side in pixels; more a model does not see. */
const MOST = 1024;

/**
 * An image file as an address.
 *
 * @throws DOMException The browser cannot read it as an image.
 */
export async function imageAddress(file: Blob): Promise<string> {
  const image = await createImageBitmap(file);
  const scale = Math.min(1, MOST / Math.max(image.width, image.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.width * scale));
  canvas.height = Math.max(1, Math.round(image.height * scale));
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  return canvas.toDataURL("image/jpeg", 0.9);
}
