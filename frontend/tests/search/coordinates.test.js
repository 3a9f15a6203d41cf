/** Metres are pyproj's: of 3.8763 E 43.6109 N, and of Saint-Denis, Pointe-à-Pitre, Mamoudzou and Cayenne. */
import { describe, expect, it } from 'vitest';

import { readCoordinates } from '../../src/search/coordinates.js';

/** @param {string} text */
function places(text) {
  return readCoordinates(text)?.map(({ lon, lat }) => [Number(lon.toFixed(4)), Number(lat.toFixed(4))]);
}

const MONTPELLIER = [[3.8763, 43.6109]];

describe('degrees', () => {
  it.each([
    '43.6109 3.8763',
    '3.8763 43.6109',
    '43.6109, 3.8763',
    '43.6109,3.8763',
    '43.6109;3.8763',
    '43.6109 / 3.8763',
    '43,6109 3,8763',
    '43,6109, 3,8763',
    '43,6109;3,8763',
    '43,6109,3,8763',
    '+43.6109 +3.8763',
    '43.6109N 3.8763E',
    'N 43.6109 E 3.8763',
    '3,8763 E 43,6109 N',
    '43.6109°, 3.8763°',
    'lat 43.6109 lon 3.8763',
    'lat=43.6109, lon=3.8763',
    'WGS84 43.6109 3.8763',
    '  43.6109\u00a0 3.8763 ',
  ])('%s is one place, and France decides the order', (text) => {
    expect(places(text)).toEqual(MONTPELLIER);
  });

  it.each([`43°36'39.24"N 3°52'34.68"E`, '43° 36′ 39,24″ N, 3° 52′ 34,68″ E', `N43°36'39.24" E3°52'34.68"`, '43 36 39.24 3 52 34.68', '43 36.654 N 3 52.578 E', `43°36'39.24'' 3°52'34.68''`])(
    '%s is read as degrees, minutes and seconds',
    (text) => {
      expect(places(text)).toEqual(MONTPELLIER);
    },
  );

  it('knows the west in French and in English, and the south', () => {
    expect(places('48.39 N 4.49 O')).toEqual([[-4.49, 48.39]]);
    expect(places('48.39 N 4.49 W')).toEqual([[-4.49, 48.39]]);
    expect(places(`20°52'56"S 55°27'01"E`)).toEqual([[55.4503, -20.8822]]);
    expect(places('-20.8823 55.4504')).toEqual([[55.4504, -20.8823]]);
    expect(places('48.39 −4.49')).toEqual([[-4.49, 48.39]]);
  });

  it('offers both orders where France does not decide', () => {
    expect(readCoordinates('10.5 20.5')).toEqual([
      { lat: 10.5, lon: 20.5, system: '', order: 'latLon' },
      { lat: 20.5, lon: 10.5, system: '', order: 'lonLat' },
    ]);
  });

  it('needs no France where letters tell the order', () => {
    expect(places('20.5000 E 10.5000 N')).toEqual([[20.5, 10.5]]);
  });

  it('takes the order that is possible where only one is', () => {
    expect(readCoordinates('120 30')).toEqual([{ lat: 30, lon: 120, system: '', order: null }]);
  });
});

describe('metres', () => {
  it.each([
    ['770763 6279487', 'Lambert-93'],
    ['770 763 6 279 487', 'Lambert-93'],
    ['770763,09 6279486,89', 'Lambert-93'],
    ['770 763,09 ; 6 279 486,89', 'Lambert-93'],
    ['6279487 770763', 'Lambert-93'],
    ['E 770763 N 6279487', 'Lambert-93'],
    ['N 6279487 E 770763', 'Lambert-93'],
    ['E 770 763 N 6 279 487', 'Lambert-93'],
    ['770763 E 6279487 N', 'Lambert-93'],
    ['X=770763 Y=6279487', 'Lambert-93'],
    ['L93 770763, 6279487', 'Lambert-93'],
    ['1770737 3157147', 'CC44'],
  ])('%s is a place of %s', (text, system) => {
    expect(readCoordinates(text)?.map((spot) => spot.system)).toEqual([system]);
    expect(places(text)).toEqual(MONTPELLIER);
  });

  it.each([
    ['338811 7690101', 'UTM 40S', [55.4504, -20.8823]],
    ['657103 1796047', 'UTM 20N', [-61.53, 16.24]],
    ['524833 8586928', 'UTM 38S', [45.2288, -12.7823]],
    ['352881 546024', 'UTM 22N', [-52.3269, 4.9386]],
  ])('%s is a place of %s overseas', (text, system, place) => {
    expect(readCoordinates(text)?.map((spot) => spot.system)).toEqual([system]);
    expect(places(text)).toEqual([place]);
  });
});

describe('what is out of range', () => {
  it.each(['200 300', '91 181', '1000000 9999999', '95 N 3 E', `43°61'00"N 3°52'00"E`, '43 N 3 N', '43 N 3', '12345678901 3'])('%s is no place', (text) => {
    expect(readCoordinates(text)).toEqual([]);
  });
});

describe('what is something else', () => {
  it.each(['', 'Montpellier', '34000', '43.6', '8 rue du Port', '12 bis', 'Nesso', 'SO', '75 Paris', '43,3', '1 2 3', '2A 4', '-', '...', '1-2-3'])('%s is left to the search of names', (text) => {
    expect(readCoordinates(text)).toBeNull();
  });
});

it('reads any signs without an error', () => {
  for (const piece of ['1 ', '1,', '°', "'", 'N', '1°', '- ', '1.1.']) {
    expect(() => readCoordinates(piece.repeat(60))).not.toThrow();
  }
});
