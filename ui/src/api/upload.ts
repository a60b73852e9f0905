/** Sends a file and tells how much of it is there; `fetch` cannot tell. */

import { asJson, detailOf, type Json } from "./http";
import { ApiError } from "./types";

/**
 * @param heard Gets the share of the file that was sent, 0 to 1.
 * @throws ApiError The server is gone, or refuses.
 */
export function upload(address: string, file: Blob, heard: (share: number) => void): Promise<Json> {
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.open("POST", address);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => heard(total > 0 ? loaded / total : 0);
    request.onerror = () => reject(new ApiError("gone", "Coblyn does not answer."));
    request.onload = () => {
      const body = asJson(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve(body);
      else reject(detailOf(body, request.status));
    };
    request.send(file);
  });
}
